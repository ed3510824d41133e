"""A public key taken for a secret, ``none`` taken for a signature, one key in two algorithms.

Authlib CVE-2024-37568, PyJWT CVE-2026-48526, Keycloak CVE-2026-11800, auth0.js CVE-2026-42280;
keys in headers: Authlib CVE-2026-27962; unknown ``crit``: PyJWT CVE-2026-32597; signatures of
zeros: CVE-2022-21449; bombs: jwcrypto CVE-2024-28102 and CVE-2026-39373, go-jose CVE-2024-28180,
joserfc before 1.6.3 (PBES2 count); RSA1_5: Authlib CVE-2026-28490.
"""

import json
import time

import pytest

from idp.protocol.errors import InvalidClientMetadata
from tests.interop import evil
from tests.oauth import JWKS, Provider

pytestmark = [pytest.mark.attack("A1"), pytest.mark.attack("A2"), pytest.mark.attack("A5")]


async def test_no_forged_access_token_is_taken(op: Provider) -> None:
    client = await op.register()
    good = (await op.tokens(client))["access_token"]
    keys = (await op.jwks())["keys"]
    claims = {
        "iss": "https://id.example",
        "aud": "https://id.example",
        "sub": "x",
        "scope": "openid",
    }
    claims |= {"client_id": client.client.client_id, "grant_id": "g", "jti": "j", "iat": 1}
    begun = time.monotonic()
    for name, token in evil.tokens(claims | {"exp": 4_000_000_000}, "at+jwt", keys, good).items():
        answer = await op.http.post("/userinfo", data={"access_token": token})
        assert answer.status_code in (400, 401, 413), name
    assert time.monotonic() - begun < 20
    assert (await op.http.post("/userinfo", data={"access_token": good})).status_code == 200


@pytest.mark.attack("A6")
@pytest.mark.parametrize("alg", ["RSA1_5", "dir", "PBES2-HS256+A128KW", "A128KW", "RSA-OAEP"])
async def test_no_client_registers_weak_encryption(op: Provider, alg: str) -> None:
    with pytest.raises(InvalidClientMetadata):
        await op.register("private_key_jwt", id_token_encrypted_response_alg=alg)


@pytest.mark.attack("A7")
async def test_no_client_registers_a_secret_as_its_public_key(op: Provider) -> None:
    for bad in (
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQ"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        json.loads(JWKS)["keys"][0] | {"d": "AA"},
    ):
        with pytest.raises(InvalidClientMetadata):
            await op.register("private_key_jwt", jwks=json.dumps({"keys": [bad]}).encode())
