"""Introspection and revocation (RFC 7662, RFC 7009)."""

import pytest

from idp.flows.registration import Registered
from tests.oauth import Provider


async def introspected(op: Provider, asker: Registered, token: str) -> dict[str, object]:
    answer = await op.post("/introspect", asker, token=token)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


@pytest.mark.spec("RFC 7662 §2.2")
async def test_a_token_is_told_of_to_its_client_and_its_audience_only(op: Provider) -> None:
    owner = await op.register()
    resource_server = await op.register(audience=op.issuer.address)
    stranger = await op.register(audience="https://api.example")
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    now = op.clock.now()
    for asker in (owner, resource_server):
        told = await introspected(op, asker, tokens["access_token"])
        assert told.pop("jti")
        assert told == {
            "active": True,
            "scope": "openid offline_access",
            "client_id": owner.client.client_id,
            "token_type": "Bearer",
            "exp": now + 300,
            "iat": now,
            "sub": "a-pairwise-subject",
            "aud": op.issuer.address,
            "iss": op.issuer.address,
        }
    assert await introspected(op, stranger, tokens["access_token"]) == {"active": False}
    assert (await introspected(op, owner, tokens["refresh_token"]))["active"] is True
    for asker in (resource_server, stranger):
        assert await introspected(op, asker, tokens["refresh_token"]) == {"active": False}


async def test_what_is_no_good_token_is_inactive(op: Provider) -> None:
    owner = await op.register()
    tokens = await op.tokens(owner)
    for text in ("x", "a.b.c", tokens["access_token"] + "A", tokens["id_token"], "é" * 2000):
        assert await introspected(op, owner, text) == {"active": False}
    op.clock.at += 300
    assert await introspected(op, owner, tokens["access_token"]) == {"active": False}


async def test_nobody_asks_without_proof(op: Provider) -> None:
    public = await op.register("none")
    tokens = await op.tokens(public)
    form = {"token": tokens["access_token"]}
    assert (await op.http.post("/introspect", data=form)).status_code == 401
    assert (await op.post("/introspect", public, **form)).status_code == 401
    answer = await op.post("/introspect", await op.register(), other="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 7009 §2")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "private_key_jwt"])
async def test_a_client_ends_its_own_token(op: Provider, kind: str, method: str) -> None:
    owner = await op.register(method)
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
    ended = await op.post("/revoke", owner, token=tokens[kind], token_type_hint="nonsense")
    assert (ended.status_code, ended.content) == (200, b"")
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    refreshed = await op.post(
        "/token", owner, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await op.post("/revoke", owner, token=tokens[kind])).status_code == 200


@pytest.mark.spec("RFC 7009 §2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_nobody_ends_the_token_of_another(op: Provider, kind: str) -> None:
    owner, stranger = await op.register(), await op.register()
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    answer = await op.post("/revoke", stranger, token=tokens[kind])
    assert (answer.status_code, answer.content) == (200, b"")
    unknown = await op.post("/revoke", stranger, token="x")
    assert (unknown.status_code, unknown.content) == (200, b"")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
    assert (await op.http.post("/revoke", data={"token": tokens[kind]})).status_code == 401
