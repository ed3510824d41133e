"""Whatever stands in the header DPoP is a proof or is refused, and nothing else happens."""

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from idp.flows.dpop_proofs import DpopProofs
from idp.protocol.carried import Carried
from idp.protocol.errors import InvalidDpopProof
from idp.stores.used import Used
from keystore.jose import base64url
from keystore.jose.embedded import EmbeddedKeys
from tests.dpop import sign

NOW = 1_800_000_000
ADDRESS = "https://id.example/token"
KEY = ECKey.generate_key("P-256", private=True)
HEADER: dict[str, Any] = {
    "typ": "dpop+jwt",
    "alg": "ES256",
    "jwk": KEY.as_dict(private=False),
}
CLAIMS: dict[str, Any] = {"jti": "x", "htm": "POST", "htu": ADDRESS, "iat": NOW}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
NAMES = ["typ", "alg", "jwk", "kid", "crit", "b64", "x5c", "jku", "enc", "jti", "htm", "htu", "iat"]
MEMBERS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4)


def taken(proof: str) -> bool:
    proofs = DpopProofs(keys=EmbeddedKeys(), used=Used(), nonces=None)
    carried = Carried(method="POST", address=ADDRESS, proof=proof)
    try:
        proven = asyncio.run(proofs.verify(carried, NOW))
    except InvalidDpopProof:
        return False
    assert proven.confirmation.jkt == KEY.thumbprint()
    return True


def encoded(part: object) -> str:
    return base64url.encode(json.dumps(part).encode()).decode()


@given(st.text(max_size=200) | st.text(alphabet="ab.-_=", max_size=60))
def test_any_text(text: str) -> None:
    assert not taken(text)


@given(MEMBERS, MEMBERS)
def test_any_header_and_claims_that_nobody_signed(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    parts = (encoded(HEADER | header), encoded(CLAIMS | claims), "A" * 86)
    assert not taken(".".join(parts))


@given(MEMBERS)
def test_any_claims_that_the_key_signed(claims: dict[str, Any]) -> None:
    if taken(sign(HEADER, CLAIMS | claims, KEY)):
        assert all(claims.get(name, CLAIMS[name]) == CLAIMS[name] for name in ("htm", "htu"))
    assert taken(sign(HEADER, CLAIMS | {"x": list(claims)}, KEY))
