"""What an organisation says is read strictly, whatever it is, and the plans have one text."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.protocol.asking import BadRequest
from esignet.protocol.seals import Sealable, sealable
from keystore.jose import base64url, jwk
from keystore.seals.authorization import judged, parsed
from keystore.seals.organization import Organization
from keystore.seals.wording import plan_hash, text_of
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import NotActivated
from keystore.signing.plans import CmsPlan, CosePlan, DataFile, JadesPlan, JwsPlan
from tests.sealing import Office
from tests.signing_house import SETTINGS

NOW = 1_800_000_000
OFFICE = Office()
SAID = OFFICE.asked()
ORGANIZATION = Organization(said=SAID, keys=jwk.parse_set(SAID.jwks), enrolled_at=NOW)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
CLAIMS = ("iss", "aud", "jti", "iat", "exp", "hash_algorithm", "count", "list_hash", "plan_hash")
MEMBERS = ("format", "level", "documents", "authorization", "signing_time", "commitment")


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda one: one.hex() + "." * 2))
def test_what_is_no_word_is_refused(token: str) -> None:
    with pytest.raises(NotActivated):
        parsed(token)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CLAIMS), ANYTHING)
def test_a_claim_that_is_anything_is_refused_or_meant(name: str, value: Any) -> None:
    usual = OFFICE.claims(b"\0" * 32, iat=NOW, exp=NOW + 300)
    token = OFFICE.signed({**usual, name: value})
    try:
        said = judged(parsed(token), ORGANIZATION, SETTINGS.address, NOW)
    except NotActivated:
        return
    assert (said.iss, said.aud) == ("land-registry", SETTINGS.address)
    assert said.exp - said.iat <= 300


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(MEMBERS), ANYTHING) | ANYTHING)
def test_a_body_that_is_anything_is_read_or_refused(body: Any) -> None:
    try:
        found = sealable(body, 1000, NOW)
    except BadRequest:
        return
    assert isinstance(found, Sealable) and len(found.asked.signers) == 1


def test_plans_are_text_that_anybody_can_read_and_hash() -> None:
    algorithm = HashAlgorithm.SHA256
    text = text_of([CmsPlan(0, media_type="text/plain")], algorithm)
    assert text == '[["cms",0,true,"","text/plain"]]'
    assert base64url.encode(plan_hash(text)) == b"mehj8bWb5CRl-sEkABBAMh1NqyP6S2le6cRsbfawZiQ"
    named = text_of([JadesPlan([DataFile(1, "Überlassung.pdf")], "1.2.3")], algorithm)
    assert json.loads(named) == [
        ["jades", [[1, "Überlassung.pdf", "application/octet-stream"]], "1.2.3"]
    ]
    held = [text_of([kind(0, b"a deed")], algorithm) for kind in (JwsPlan, CosePlan)]
    assert all("a deed" not in one and len(json.loads(one)[0][2]) == 44 for one in held)
    assert text_of([CosePlan(0)], algorithm) != held[1]
