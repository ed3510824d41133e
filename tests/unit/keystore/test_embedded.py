"""Tokens that bring their own key: whose key it is, and what is refused (RFC 7515 §4.1.3)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from keystore.jose import base64url, reader
from keystore.jose.embedded import EmbeddedKeys
from keystore.jose.reader import BadSignature, BadToken, Rules
from tests.dpop import sign

RULES = Rules(algs=frozenset(("ES256", "PS256", "EdDSA")), typs=frozenset(("dpop+jwt",)))
EC = ECKey.generate_key("P-256", private=True)
OTHER = ECKey.generate_key("P-256", private=True)
RSA = RSAKey.generate_key(2048, private=True)
ED = OKPKey.generate_key("Ed25519", private=True)
P384 = ECKey.generate_key("P-384", private=True)


def token(key: Any, alg: str, **changes: Any) -> str:
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | changes
    return sign(header, {"a": 1}, key)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.spec("RFC 7638 §3")
def test_the_thumbprint_is_that_of_the_key() -> None:
    keys = EmbeddedKeys()
    for key, alg in ((EC, "ES256"), (RSA, "PS256"), (ED, "EdDSA")):
        for _ in range(2):  # read, and remembered
            verified, thumbprint = keys.verify(reader.parse(token(key, alg)), RULES)
            assert verified.claims == {"a": 1}
            assert thumbprint == key.thumbprint()


@pytest.mark.spec("RFC 7638 §3.1")
def test_members_that_do_not_make_the_key_do_not_change_its_thumbprint() -> None:
    jwk = EC.as_dict(private=False) | {"kid": "mine", "use": "sig", "alg": "ES256", "x-y": [1]}
    found = EmbeddedKeys().verify(reader.parse(token(EC, "ES256", jwk=jwk)), RULES)
    assert found[1] == EC.thumbprint()


@pytest.mark.attack("A7")
@pytest.mark.attack("A18")
@pytest.mark.parametrize(
    "jwk",
    [
        None,
        {},
        {"kty": "EC"},
        EC.as_dict(private=True),
        RSA.as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        {**EC.as_dict(private=False), "k": "c2VjcmV0"},
        {**EC.as_dict(private=False), "d": ""},
        {**EC.as_dict(private=False), "y": EC.as_dict(private=False)["x"]},
        {**EC.as_dict(private=False), "use": "enc"},
        {**EC.as_dict(private=False), "alg": "ES384"},
        {**EC.as_dict(private=False), "kid": ""},
        P384.as_dict(private=False),
        RSA.as_dict(private=False),
        {**RSA.as_dict(private=False), "e": "AQ"},
    ],
    ids=lambda jwk: ",".join(jwk or ["none"]),
)
def test_no_other_key_is_taken(jwk: dict[str, Any] | None) -> None:
    with pytest.raises(BadToken):
        EmbeddedKeys().verify(reader.parse(token(EC, "ES256", jwk=jwk)), RULES)


@pytest.mark.attack("A1")
def test_a_key_that_did_not_sign_is_refused_each_time() -> None:
    keys = EmbeddedKeys()
    stolen = token(EC, "ES256", jwk=OTHER.as_dict(private=False))
    for _ in range(2):
        with pytest.raises(BadSignature):
            keys.verify(reader.parse(stolen), RULES)


def test_a_remembered_key_proves_nothing_under_another_header() -> None:
    keys = EmbeddedKeys()
    keys.verify(reader.parse(token(EC, "ES256")), RULES)
    head, body, signature = token(EC, "ES256").split(".")
    header = json.loads(base64url.decode(head)) | {"jwk": OTHER.as_dict(private=False)}
    swapped = base64url.encode(json.dumps(header).encode()).decode()
    with pytest.raises(BadSignature):
        keys.verify(reader.parse(f"{swapped}.{body}.{signature}"), RULES)


def test_few_keys_are_remembered() -> None:
    keys = EmbeddedKeys(remembered=2)
    for kid in "abcab":
        assert keys.verify(reader.parse(token(EC, "ES256", kid=kid)), RULES)[1] == EC.thumbprint()


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "d"])


@given(st.dictionaries(MEMBERS, JSON))
def test_whatever_stands_in_jwk_is_refused_or_right(changes: dict[str, Any]) -> None:
    jwk = EC.as_dict(private=False) | changes
    header = base64url.encode(
        json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}).encode()
    ).decode()
    signature = base64url.encode(bytes(64)).decode()
    with pytest.raises(BadToken):
        EmbeddedKeys().verify(reader.parse(f"{header}.e30.{signature}"), RULES)
