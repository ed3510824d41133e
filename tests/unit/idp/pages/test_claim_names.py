"""Every claim has a name for people, and its place."""

from idp.pages.claim_names import CLAIM_GROUPS, CLAIM_NAMES
from idp.protocol.claims import STANDARD


def test_every_claim_has_a_name() -> None:
    assert set(CLAIM_NAMES) == STANDARD


def test_every_claim_is_in_one_group() -> None:
    grouped = [name for names in CLAIM_GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped)) and set(grouped) == STANDARD
