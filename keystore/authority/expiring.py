"""What an authority will need soon, from what anybody sees of it."""

from datetime import UTC, datetime, timedelta

from keystore.authority.elsewhere import NO_CERTIFICATE, TAKEN_BACK, parsed_list
from keystore.signing.door import AuthorityShown
from keystore.x509.parsed import parsed

LEAST = timedelta(days=14)
"""Before the end at which something is told at the latest; else when a quarter of it is left."""


def troubles(shown: AuthorityShown, now: int) -> list[str]:
    """Return what somebody has to do, in words for the operator; empty when all is well.

    An authority whose root is here does all of it by itself, long before.
    """
    if not shown.crls:
        return [NO_CERTIFICATE]
    at = datetime.fromtimestamp(now, UTC)
    listed, own = parsed_list(shown.crls[-1]), parsed(shown.chains[0][0])
    found = []
    until = listed.next_update_utc
    if until is not None and _is_near(listed.last_update_utc, until, at):
        found.append(
            f"the root's list {_lasts(until, at)}, and after that no signature can be made to last:"
            " have the next one made, and bring it (symbolon keys ceremony --root-list FILE)"
        )
    if _is_near(own.not_valid_before_utc, own.not_valid_after_utc, at):
        found.append(
            f"the signing authority's certificate {_lasts(own.not_valid_after_utc, at)}: have the "
            "request of its next key certified (symbolon keys ceremony --request FILE)"
        )
    if listed.get_revoked_certificate_by_serial_number(own.serial_number) is not None:
        found.append(TAKEN_BACK)
    return found


def _is_near(begin: datetime, end: datetime, now: datetime) -> bool:
    return now >= end - max(LEAST, (end - begin) / 4)


def _lasts(until: datetime, now: datetime) -> str:
    return f"{'is good until' if now < until else 'was good until'} {until.date()}"
