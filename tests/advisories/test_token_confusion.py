"""Class: one kind of token is taken for another (Auth0, Keycloak: ID tokens as access tokens,
logout tokens as assertions, request objects as assertions; the matrix of attack A4).

Every kind that the issuer signs, with the very claims that the right kind would have; and every
kind that a client signs.
"""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from joserfc import jwt

from idp.client_auth.method import ASSERTION_TYPE
from keystore.door import Order, TokenKind
from keystore.purposes import Act, Role, permits
from tests.oauth import CALLBACK, CHALLENGE, KEY, Provider

pytestmark = pytest.mark.attack("A4")

OURS = [kind for kind in TokenKind if permits(Role.IDP, Act.SIGN, kind)]


def said(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=="))
    return claims


async def signed(op: Provider, kind: TokenKind, claims: dict[str, Any]) -> str:
    order = Order(kind, "ES256", json.dumps(claims).encode())
    [token] = await op.door.sign(op.issuer.address, [order])
    return token


@pytest.mark.parametrize("kind", OURS)
async def test_only_an_access_token_opens_a_resource(op: Provider, kind: TokenKind) -> None:
    tokens = await op.tokens(await op.register())
    token = await signed(op, kind, said(tokens["access_token"]))
    answer = await op.http.get("/userinfo", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == (200 if kind is TokenKind.ACCESS_TOKEN else 401)


@pytest.mark.parametrize("kind", OURS)
async def test_only_an_access_token_is_active(op: Provider, kind: TokenKind) -> None:
    client = await op.register()
    tokens = await op.tokens(client)
    token = await signed(op, kind, said(tokens["access_token"]))
    told = (await op.post("/introspect", client, token=token)).json()
    assert told["active"] is (kind is TokenKind.ACCESS_TOKEN)


@pytest.mark.parametrize("kind", OURS)
async def test_nothing_that_the_issuer_signs_proves_a_client(op: Provider, kind: TokenKind) -> None:
    client = await op.register("private_key_jwt")
    name, now = client.client.client_id, op.clock.now()
    claims = {"iss": op.issuer.address, "sub": name, "aud": op.issuer.address, "jti": "j"}
    token = await signed(op, kind, claims | {"iat": now, "exp": now + 60})
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token, "token": "x"}
    assert (await op.http.post("/introspect", data=form)).status_code == 401


TYPS = ["", "JWT", "client-authentication+jwt", "oauth-authz-req+jwt", "dpop+jwt", "at+jwt"]


def by_client(op: Provider, client: Any, typ: str, **more: Any) -> str:
    now, name = op.clock.now(), client.client.client_id
    claims = {
        "iss": name,
        "sub": name,
        "client_id": name,
        "aud": op.issuer.address,
        "jti": f"j-{typ}-{len(more)}",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
    }
    header = {"alg": "ES256", "kid": "rp-1"} | ({"typ": typ} if typ else {})
    body = {k: v for k, v in (claims | more).items() if v is not None}
    return jwt.encode(header, body, KEY)


ASKED = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize("typ", TYPS)
async def test_an_assertion_is_no_request(op: Provider, typ: str) -> None:
    client = await op.register("private_key_jwt")
    token = by_client(op, client, typ, **ASKED)
    answer = await op.post("/par", client, request=token)
    assert answer.json()["error"] == "invalid_request_object"


@pytest.mark.parametrize("typ", TYPS)
async def test_a_request_is_no_assertion(op: Provider, typ: str) -> None:
    client = await op.register("private_key_jwt")
    pushed = by_client(op, client, typ, sub=None, **ASKED)
    for taken in (pushed, by_client(op, client, typ, jti=None), by_client(op, client, "dpop+jwt")):
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": taken, "token": "x"}
        assert (await op.http.post("/introspect", data=form)).status_code == 401


async def test_the_right_ones_are_taken(op: Provider) -> None:
    client = await op.register("private_key_jwt")
    answer = await op.post("/par", client, request=by_client(op, client, "", sub=None, **ASKED))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("typ", [typ for typ in TYPS if typ != "dpop+jwt"])
async def test_only_a_proof_is_a_proof(op: Provider, typ: str) -> None:
    client = await op.register()
    header = {"alg": "ES256", "jwk": KEY.as_dict(private=False)} | ({"typ": typ} if typ else {})
    claims = {"jti": typ, "htm": "POST", "htu": f"{op.issuer.address}/token"}
    proof = jwt.encode(header, claims | {"iat": op.clock.now()}, KEY)
    credentials = op.credentials(client)
    form = credentials.pop("form") | {"grant_type": "authorization_code", "code": "x"}
    answer = await op.http.post("/token", data=form, headers={"DPoP": proof}, **credentials)
    assert answer.json()["error"] == "invalid_dpop_proof"
