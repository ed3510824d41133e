"""Clients are told when a request is over: pinged, or with the tokens themselves (CIBA §10)."""

import logging
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select

from config.runtime.database.unit import Statement
from config.runtime.destinations import Rules
from config.runtime.entropy import SystemEntropy
from config.runtime.outbound import Fetcher
from config.runtime.outbox import Message, dead_letters, outbox
from config.runtime.relay import Relay, RelayOptions
from idp.flows.notices import KIND, Notification, seal, unseal
from idp.flows.notifier import ClientNotifier
from idp.protocol import ciba
from idp.protocol.client import Client
from keystore.door import BadSeal
from tests.backchannel import ask, known, poll, refusal
from tests.journeys.login_world import ORIGIN, Site
from tests.journeys.test_ciba import APPROVE, REJECT, agreed, claims_of, link, signed_in
from tests.receiver import Receiver, receiver, status

TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"
WAITING = Statement(select(outbox).where(outbox.c.kind == KIND))
DEAD = Statement(select(dead_letters))


@pytest.fixture
async def bank() -> AsyncIterator[Receiver]:
    async with receiver() as listening:
        yield listening


async def registered(here: Site, bank: Receiver, mode: str, **changes: Any) -> Client:
    return await known(
        here,
        backchannel_token_delivery_mode=mode,
        backchannel_client_notification_endpoint=bank.url,
        **changes,
    )


async def approved(here: Site, client: Client, **asked: str) -> dict[str, Any]:
    """Ask and approve; return the answer that the client got."""
    answer = await ask(here, client, client_notification_token=TOKEN, **asked)
    assert answer.status_code == 200, answer.text
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
    assert page.url.endswith("/approvals/done")
    made: dict[str, Any] = answer.json()
    return made


def relay(here: Site) -> Relay:
    """The worker's relay, for these messages alone."""
    fetcher = Fetcher(here.clock, Rules(loopback=True))
    return Relay(
        here.world.database.database,
        {KIND: ClientNotifier(here.world.worker, fetcher), "inbox": _Letterbox()},
        here.clock,
        SystemEntropy(),
        RelayOptions(attempts=3),
    )


class _Letterbox:
    async def deliver(self, *_: object) -> None:
        """Letters to the person arrive."""


@pytest.mark.behaviour(54)
async def test_a_client_is_pinged(here: Site, bank: Receiver) -> None:
    client = await registered(here, bank, ciba.PING)
    asked = await approved(here, client)
    assert asked["interval"] == 5
    await relay(here).run_once(here.clock.time)
    [got] = bank.got
    assert got.line == "POST /ciba HTTP/1.1"
    assert got.headers["authorization"] == f"Bearer {TOKEN}"
    assert got.headers["content-type"] == "application/json"
    assert got.said == {"auth_req_id": asked["auth_req_id"]}
    assert "id_token" in (await poll(here, asked["auth_req_id"], client)).json()
    await relay(here).run_once(here.clock.time + 600)
    assert len(bank.got) == 1


@pytest.mark.behaviour(54)
async def test_who_said_no_is_told_as_well(here: Site, bank: Receiver) -> None:
    client = await registered(here, bank, ciba.PING)
    answer = await ask(here, client, client_notification_token=TOKEN)
    browser = here.browser()
    page = await signed_in(here, browser)
    await browser.press(page, "/me/approvals", REJECT)
    await relay(here).run_once(here.clock.time)
    [got] = bank.got
    assert got.said == {"auth_req_id": answer.json()["auth_req_id"]}
    assert refusal(await poll(here, answer.json()["auth_req_id"], client)) == "access_denied"


@pytest.mark.behaviour(54)
@pytest.mark.parametrize("answer", [status(200), status(204), status(200, b"thanks"), status(202)])
async def test_any_good_answer_will_do(here: Site, bank: Receiver, answer: bytes) -> None:
    bank.answers = [answer]
    await approved(here, await registered(here, bank, ciba.PING))
    await relay(here).run_once(here.clock.time)
    assert len(bank.got) == 1
    assert await here.world.database.database.rows(WAITING) == []


@pytest.mark.behaviour(54)
@pytest.mark.parametrize("answer", [status(401), status(403), status(404), status(400, b"no")])
async def test_a_client_that_refuses_is_left_alone(
    here: Site, bank: Receiver, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bank.answers = [answer]
    client = await registered(here, bank, ciba.PING)
    asked = await approved(here, client)
    with caplog.at_level(logging.WARNING):
        for later in (0, 10, 60):
            await relay(here).run_once(here.clock.time + later)
    assert len(bank.got) == 1
    assert "was refused with status" in caplog.text and TOKEN not in caplog.text
    assert "id_token" in (await poll(here, asked["auth_req_id"], client)).json(), "it polls"


@pytest.mark.behaviour(54)
@pytest.mark.attack("A24")
async def test_no_redirect_is_followed(here: Site, bank: Receiver) -> None:
    for code in (301, 302, 303, 307, 308):
        bank.answers.insert(0, status(code, b"", f"location: {bank.url}/elsewhere"))
    client = await registered(here, bank, ciba.PING)
    asked = await approved(here, client)
    for later in (0, 10, 60):
        await relay(here).run_once(here.clock.time + later)
    assert [got.line for got in bank.got] == ["POST /ciba HTTP/1.1"]
    assert "id_token" in (await poll(here, asked["auth_req_id"], client)).json()


@pytest.mark.behaviour(54)
async def test_what_did_not_arrive_is_sent_again_and_not_for_ever(
    here: Site, bank: Receiver
) -> None:
    bank.answers = [status(500), status(503), status(500), status(204)]
    client = await registered(here, bank, ciba.PING)
    await approved(here, client)
    for later in range(0, 60, 5):
        await relay(here).run_once(here.clock.time + later)
    assert len(bank.got) == 3, "as often as the relay tries"
    assert len(await here.world.database.database.rows(DEAD)) == 1


@pytest.mark.attack("A24")
async def test_an_address_of_our_own_network_is_never_asked(here: Site, bank: Receiver) -> None:
    await approved(here, await registered(here, bank, ciba.PING))
    guarded = ClientNotifier(here.world.worker, Fetcher(here.clock, Rules()))
    strict = Relay(
        here.world.database.database,
        {KIND: guarded, "inbox": _Letterbox()},
        here.clock,
        SystemEntropy(),
        RelayOptions(attempts=1),
    )
    await strict.run_once(here.clock.time)
    assert bank.got == []
    [dead] = await here.world.database.database.rows(DEAD)
    assert dead["reason"].startswith("backchannel: address") and TOKEN not in str(dict(dead))


@pytest.mark.behaviour(55)
async def test_tokens_are_pushed(here: Site, bank: Receiver) -> None:
    client = await registered(here, bank, ciba.PUSH)
    asked = await approved(here, client, scope="openid profile offline_access")
    assert set(asked) == {"auth_req_id", "expires_in"}, "who is pushed to polls nothing"
    await relay(here).run_once(here.clock.time)
    [got] = bank.got
    said = got.said
    assert got.headers["authorization"] == f"Bearer {TOKEN}"
    assert said["auth_req_id"] == asked["auth_req_id"] and said["token_type"] == "Bearer"
    assert said["expires_in"] == 300
    claims = claims_of(said["id_token"])
    assert claims[ciba.AUTH_REQ_ID_CLAIM] == asked["auth_req_id"]
    assert claims["at_hash"] == half(said["access_token"])
    assert claims[ciba.RT_HASH_CLAIM] == half(said["refresh_token"])
    assert claims["aud"] == client.client_id and claims["iss"] == ORIGIN
    bearer = {"authorization": f"Bearer {said['access_token']}"}
    userinfo = await here.browser().client.get("/userinfo", headers=bearer)
    assert userinfo.status_code == 200
    assert refusal(await poll(here, asked["auth_req_id"], client)) == "unauthorized_client"


@pytest.mark.behaviour(55)
async def test_an_error_is_pushed(here: Site, bank: Receiver) -> None:
    client = await registered(here, bank, ciba.PUSH)
    answer = await ask(here, client, client_notification_token=TOKEN)
    browser = here.browser()
    page = await browser.get(await link(here))
    await browser.press(page, page.url.removeprefix(ORIGIN), REJECT)
    await relay(here).run_once(here.clock.time)
    [got] = bank.got
    assert got.said["auth_req_id"] == answer.json()["auth_req_id"]
    assert got.said["error"] == "access_denied"


async def test_what_is_longer_than_one_seal_arrives_whole(here: Site) -> None:
    said = Notification(url="https://bank.example", token=TOKEN, body={"id_token": "x" * 20_000})
    body = await seal(here.world.door, said, "message")
    message = Message(id="message", kind=KIND, key="k", body=body, at=0, expires_at=1)
    assert await unseal(here.world.worker, message) == said
    with pytest.raises(BadSeal):
        await unseal(here.world.worker, replace(message, id="another"))


async def test_nothing_readable_waits_in_the_database(here: Site, bank: Receiver) -> None:
    client = await registered(here, bank, ciba.PUSH)
    asked = await approved(here, client)
    [waiting] = await here.world.database.database.rows(WAITING)
    for secret in (TOKEN, asked["auth_req_id"], "access_token", "eyJ"):
        assert secret.encode() not in waiting["body"]


def half(token: str) -> str:
    """The left half of a token's hash (OpenID Connect Core 1.0 §3.1.3.6)."""
    made = sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(made).rstrip(b"=").decode()
