"""Refresh tokens: rotation, the lost reply, theft (behaviour 22, A20)."""

import asyncio
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from config.runtime.database.unit import Statement
from idp.flows.registration import Registered
from idp.residents.tables import resident
from tests.oauth import Provider

OFFLINE = ("openid", "profile", "offline_access")


async def refresh(op: Provider, registered: Registered, token: str, **form: str) -> httpx2.Response:
    return await op.post(
        "/token", registered, grant_type="refresh_token", refresh_token=token, **form
    )


async def refreshed(op: Provider, registered: Registered, token: str) -> dict[str, Any]:
    answer = await refresh(op, registered, token)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def is_refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 400 and answer.json()["error"] == "invalid_grant"


@pytest.mark.behaviour(18)
@pytest.mark.behaviour(22)
@pytest.mark.spec("OpenID Connect Core 1.0 §12.2")
@pytest.mark.parametrize("method", ["private_key_jwt", "none"])
async def test_a_refresh_gives_the_same_person_and_another_token(op: Provider, method: str) -> None:
    registered = await op.register(method)
    first = await op.tokens(registered, scope=OFFLINE, auth_time_asked=True)
    op.clock.at += 1000
    second = await refreshed(op, registered, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    keys = KeySet.import_key_set(await op.jwks())
    before, after = (
        jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
        for tokens in (first, second)
    )
    assert after["iat"] == before["iat"] + 1000
    assert "nonce" not in after
    for claim in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert after[claim] == before[claim]


@pytest.mark.behaviour(22)
async def test_without_offline_access_there_is_none(op: Provider) -> None:
    registered = await op.register()
    assert "refresh_token" not in await op.tokens(registered)
    without = await op.register(grant_types=("authorization_code",))
    assert "refresh_token" not in await op.tokens(without, scope=OFFLINE)


@pytest.mark.behaviour(22)
async def test_a_lost_reply_costs_nobody_the_session(op: Provider) -> None:
    registered = await op.register()
    first = (await op.tokens(registered, scope=OFFLINE))["refresh_token"]
    lost = await refreshed(op, registered, first)
    op.clock.at += 59
    again = await refreshed(op, registered, first)
    assert again["refresh_token"] == lost["refresh_token"]
    assert (await refresh(op, registered, again["refresh_token"])).status_code == 200


@pytest.mark.behaviour(22)
@pytest.mark.attack("A20")
@pytest.mark.parametrize("how", ["late", "thrice", "after the successor"])
async def test_a_stolen_token_ends_the_grant(op: Provider, how: str) -> None:
    registered = await op.register()
    first = await op.tokens(registered, scope=OFFLINE)
    second = await refreshed(op, registered, first["refresh_token"])
    newest = second
    if how == "late":
        op.clock.at += 61
    elif how == "thrice":
        await refreshed(op, registered, first["refresh_token"])
    else:
        newest = await refreshed(op, registered, second["refresh_token"])
    assert is_refused(await refresh(op, registered, first["refresh_token"]))
    assert is_refused(await refresh(op, registered, newest["refresh_token"]))
    for tokens in (first, second, newest):
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401


@pytest.mark.behaviour(22)
@pytest.mark.attack("A20")
async def test_a_token_of_another_client_is_worth_nothing(op: Provider) -> None:
    owner, thief = await op.register("none"), await op.register("none")
    first = (await op.tokens(owner, scope=OFFLINE))["refresh_token"]
    assert is_refused(await refresh(op, thief, first))
    second = (await refreshed(op, owner, first))["refresh_token"]
    op.clock.at += 61
    assert is_refused(await refresh(op, thief, first)), "and it ends nothing of the owner's"
    assert (await refresh(op, owner, second)).status_code == 200


@pytest.mark.behaviour(22)
async def test_scope_may_shrink_and_never_grow(op: Provider) -> None:
    registered = await op.register()
    token = (await op.tokens(registered, scope=OFFLINE))["refresh_token"]
    wider = await refresh(op, registered, token, scope="openid email")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    narrow = await refresh(op, registered, token, scope="openid")
    assert narrow.json()["scope"] == "openid"
    bearer = {"authorization": f"Bearer {narrow.json()['access_token']}"}
    userinfo = await op.http.get("/userinfo", headers=bearer)
    assert userinfo.json() == {"sub": "a-pairwise-subject"}
    full = await refreshed(op, registered, narrow.json()["refresh_token"])
    assert full["scope"] == "openid profile offline_access"


async def test_the_grant_ends_when_it_should_and_no_refresh_prolongs_it(op: Provider) -> None:
    registered = await op.register()
    token = (await op.tokens(registered, scope=OFFLINE))["refresh_token"]
    op.clock.at += op.lifetimes.grant - 1
    token = (await refreshed(op, registered, token))["refresh_token"]
    op.clock.at += 1
    assert is_refused(await refresh(op, registered, token))


@pytest.mark.attack("A20")
async def test_a_person_who_was_locked_is_acted_for_no_more(op: Provider) -> None:
    registered = await op.register()
    tokens = await op.tokens(registered, scope=OFFLINE)
    lock = resident.update().where(resident.c.id == op.resident_id).values(state="locked")
    await op.database.load([(Statement(lock), [{}])])
    assert is_refused(await refresh(op, registered, tokens["refresh_token"]))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    op.clock.at += 1
    told = await op.post("/introspect", registered, token=tokens["access_token"])
    assert told.json() == {"active": False}


@pytest.mark.attack("A20")
async def test_two_tabs_at_the_same_instant_get_the_same_token(op: Provider) -> None:
    registered = await op.register()
    token = (await op.tokens(registered, scope=OFFLINE))["refresh_token"]
    answers = await asyncio.gather(*(refresh(op, registered, token) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert (await refresh(op, registered, answers[0].json()["refresh_token"])).status_code == 200
