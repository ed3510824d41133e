"""Every kind of token at every place that takes one: only the diagonal passes (A4)."""

from dataclasses import dataclass
from typing import Any

import pytest

from idp.client_auth.method import ASSERTION_TYPE
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.registration import Registered
from idp.protocol.errors import InvalidRequest
from tests.oauth import CALLBACK, VERIFIER, Provider


@dataclass(frozen=True)
class Scene:
    op: Provider
    client: Registered
    tokens: dict[str, str]


async def scene(op: Provider) -> Scene:
    client = await op.register(
        "private_key_jwt", userinfo_signed_response_alg="ES256", audience=op.issuer.address
    )
    made: dict[str, Any] = await op.tokens(client, scope=("openid", "offline_access"))
    bearer = {"authorization": f"Bearer {made['access_token']}"}
    tokens = {
        "access_token": made["access_token"],
        "refresh_token": made["refresh_token"],
        "id_token": made["id_token"],
        "userinfo": (await op.http.get("/userinfo", headers=bearer)).text,
        "assertion": op.assertion(client),
        "code": await op.code(client.client),
        "client_id": client.client.client_id,
    }
    return Scene(op, client, tokens)


async def at_userinfo(s: Scene, token: str) -> bool:
    bearer = {"authorization": f"Bearer {token}"}
    return (await s.op.http.get("/userinfo", headers=bearer)).status_code == 200


async def at_introspection(s: Scene, token: str) -> bool:
    return bool((await s.op.post("/introspect", s.client, token=token)).json()["active"])


async def as_refresh_token(s: Scene, token: str) -> bool:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return (await s.op.post("/token", s.client, **form)).status_code == 200


async def as_code(s: Scene, token: str) -> bool:
    form = {
        "grant_type": "authorization_code",
        "code": token,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return (await s.op.post("/token", s.client, **form)).status_code == 200


async def as_assertion(s: Scene, token: str) -> bool:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token, "token": "x"}
    return (await s.op.http.post("/introspect", data=form)).status_code == 200


async def as_hint(s: Scene, token: str) -> bool:
    try:
        await IssuerKeys(s.op.issuer.address, s.op.door).hint(token)
    except InvalidRequest:
        return False
    return True


PLACES = {
    at_userinfo: {"access_token"},
    at_introspection: {"access_token", "refresh_token"},
    as_assertion: {"assertion"},
    as_hint: {"id_token"},
    as_code: {"code"},
    as_refresh_token: {"refresh_token"},
}


@pytest.mark.attack("A4")
async def test_only_the_diagonal_passes(op: Provider) -> None:
    s = await scene(op)
    for place, accepted in PLACES.items():
        for kind in sorted(s.tokens, key=lambda kind: kind in accepted):
            passes = await place(s, s.tokens[kind])
            assert passes is (kind in accepted), (place.__name__, kind)
