"""Clients are told what became of their signature requests, by a token that they can verify."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import select

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement
from config.runtime.destinations import Rules
from config.runtime.entropy import SystemEntropy
from config.runtime.outbound import Fetcher
from config.runtime.outbox import dead_letters, outbox
from config.runtime.relay import Relay, RelayOptions
from esignet.flows.notices import KIND, WebhookDeliverer
from esignet.protocol.notices import TYPE
from keystore.door import Door
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from tests.keyrings import ISSUER
from tests.receiver import Receiver, receiver, status
from tests.request_world import World, known, request_world

WAITING = Statement(select(outbox).where(outbox.c.kind == KIND))
DEAD = Statement(select(dead_letters))
HERE = Rules(loopback=True)


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


@pytest.fixture
async def office() -> AsyncIterator[Receiver]:
    async with receiver() as listening:
        yield listening


@pytest.fixture
async def worker(world: World) -> AsyncIterator[Door]:
    door = KeyServiceClient(socket_path(world.house.sockets, Role.WORKER), SystemClock())
    yield door
    await door.close()


def relay(world: World, worker: Door, rules: Rules = HERE) -> Relay:
    """The worker's relay, with one attempt less than it gives up after."""
    deliverer = WebhookDeliverer(
        door=worker, fetcher=Fetcher(world.clock, rules), algs={ISSUER: "ES256"}
    )
    options = RelayOptions(attempts=3)
    return Relay(world.database, {KIND: deliverer}, world.clock, SystemEntropy(), options)


async def verified(worker: Door, token: bytes, audience: str = "office") -> dict[str, Any]:
    """What a client does: the key of the issuer's JWKS, the type, who signed and for whom."""
    shown = [msgspec.json.decode(key.jwk) for key in await worker.published(ISSUER)]
    read = jws.deserialize_compact(token, KeySet.import_key_set({"keys": shown}))
    assert read.headers()["typ"] == "secevent+jwt"
    claims: dict[str, Any] = msgspec.json.decode(read.payload)
    assert (claims["iss"], claims["aud"]) == (ISSUER, audience)
    assert claims.keys() == {"iss", "aud", "iat", "jti", "events"}
    return claims


async def told(worker: Door, got: Sequence[Any]) -> list[tuple[str, str, int]]:
    """Event, state and how many signed, of everything that came."""
    events = [(await verified(worker, one.body))["events"][TYPE] for one in got]
    return [(one["event"], one["state"], one["signed"]) for one in events]


async def test_a_client_is_told_of_each_signature_in_order(
    world: World, office: Receiver, worker: Door
) -> None:
    signers = [{"label": "Tenant"}, {"label": "Landlord"}]
    said = await world.created(webhook=office.url, signers=signers)
    await relay(world, worker).run_once(world.clock.now())
    assert office.got == [], "the client made it, and knows"
    for subject in ("ana", "ben"):
        shown = await world.shown(said)
        assert (await world.sign(said, await world.approved(shown, subject)))[0] == 200
    hand = relay(world, worker)
    while await hand.run_once(world.clock.now()):
        pass
    assert await told(worker, office.got) == [
        ("slot_signed", "open", 1),
        ("signed", "signed", 2),
    ]
    [first, last] = office.got
    assert first.headers["content-type"] == "application/secevent+jwt"
    claims = await verified(worker, last.body)
    assert claims["events"][TYPE]["id"] == said["id"]
    secret = (said["documentDigests"][0]["hash"], "Tenant", "a.txt", "ana", "office-")
    assert not any(word.encode() in msgspec.json.encode(claims) for word in secret)


async def test_every_end_is_told(world: World, office: Receiver, worker: Door) -> None:
    ended = []
    for method, path in (("DELETE", ""), ("POST", "/rejection")):
        said = await world.created(webhook=office.url)
        assert (await world.ask(method, f"/{said['id']}{path}"))[0] == 204
        ended.append(said["id"])
    said = await world.created(webhook=office.url, expires_in=60)
    world.clock.at += 61
    await world.resuming.run_once(world.clock.now())
    await relay(world, worker).run_once(world.clock.now())
    assert sorted(await told(worker, office.got)) == [
        ("cancelled", "cancelled", 0),
        ("expired", "expired", 0),
        ("rejected", "rejected", 0),
    ]


async def test_it_is_sent_again_until_it_arrives_and_then_no_more(
    world: World, office: Receiver, worker: Door
) -> None:
    office.answers = [status(503), status(302, b"", "location: http://127.0.0.1:1/"), status(202)]
    said = await world.created(webhook=office.url)
    await world.ask("DELETE", f"/{said['id']}")
    hand, now = relay(world, worker), world.clock.now()
    for _ in range(4):
        await hand.run_once(now)
        now += 1000
    assert len(office.got) == 3, "a redirect is not followed, and not taken for an answer"
    claims = [await verified(worker, one.body) for one in office.got]
    assert claims[0] == claims[1] == claims[2], "who keeps its jti sees that it is the same"
    assert await world.database.rows(WAITING) == []


@pytest.mark.parametrize("code", [400, 410])
async def test_what_a_client_refuses_for_good_is_not_repeated(
    world: World, office: Receiver, worker: Door, code: int
) -> None:
    office.answers = [status(code, b'{"err":"invalid_request"}')]
    said = await world.created(webhook=office.url)
    await world.ask("DELETE", f"/{said['id']}")
    await relay(world, worker).run_once(world.clock.now())
    assert (len(office.got), await world.database.rows(WAITING)) == (1, [])
    assert await world.database.rows(DEAD) == []


async def test_what_never_arrives_is_put_aside(
    world: World, office: Receiver, worker: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office.answers = [status(200, b"x" * 20_000)]
    said = await world.created(webhook=f"{office.url}?key=capability")
    await world.ask("DELETE", f"/{said['id']}")
    hand, now = relay(world, worker), world.clock.now()
    for _ in range(4):
        await hand.run_once(now)
        now += 1000
    [dead] = await world.database.rows(DEAD)
    assert (len(office.got), dead["reason"]) == (3, "webhook: size")
    mine = [
        one for one in caplog.records if one.name.startswith("symbolon") or "config" in one.name
    ]
    assert not any("capability" in one.getMessage() for one in mine)


async def test_a_key_service_that_is_away_delays_it(
    world: World, office: Receiver, worker: Door
) -> None:
    said = await world.created(webhook=office.url)
    await world.ask("DELETE", f"/{said['id']}")
    away = KeyServiceClient(Path("/nowhere/worker.sock"), SystemClock())
    await relay(world, away).run_once(world.clock.now())
    await away.close()
    assert (office.got, len(await world.database.rows(WAITING))) == ([], 1)
    await relay(world, worker).run_once(world.clock.now() + 1000)
    assert await told(worker, office.got) == [("cancelled", "cancelled", 0)]


async def test_a_worker_that_dies_between_commit_and_answer_costs_a_delay_and_nothing_else(
    world: World, office: Receiver, worker: Door
) -> None:
    said = await world.created(webhook=office.url)
    await world.ask("DELETE", f"/{said['id']}")
    assert office.got == [], "what was committed waits for a worker, also for one that is not there"
    office.answers = [b"", status(202)]  # it hangs up without an answer, as the worker dies

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    doomed = relay(world, worker)
    doomed._settle = dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await doomed.run_once(world.clock.now())
    assert await relay(world, worker).run_once(world.clock.now()) == 0, "it is leased to the dead"
    later = world.clock.now() + RelayOptions().lease
    hand = relay(world, worker)
    await hand.run_once(later)
    await hand.run_once(later + 1000)
    assert await told(worker, office.got[-1:]) == [("cancelled", "cancelled", 0)]
    assert len({(await verified(worker, one.body))["jti"] for one in office.got}) == 1
    assert await world.database.rows(WAITING) == []


@pytest.mark.attack("A24")
async def test_other_addresses_are_refused_at_once(world: World) -> None:
    for address in (
        "http://office.example/hook",
        "https://office.example:22/hook",
        "https://user@office.example/hook",
        "https://office.example/hook#part",
        "ftp://office.example/",
        "https://0x7f000001/",
        "https://office.example/" + "a" * 3000,
        "office.example",
    ):
        body = {"format": "cades", "level": "B-B", "documents": [known()], "webhook": address}
        code, said = await world.ask("POST", "", body)
        assert (code, said["error"]) == (422, "invalid_request"), address
        assert address not in said["error_description"]


@pytest.mark.attack("A24")
async def test_our_own_networks_are_never_connected_to(
    world: World, office: Receiver, worker: Door
) -> None:
    said = await world.created(webhook=office.url.replace("127.0.0.1", "localhost"))
    await world.ask("DELETE", f"/{said['id']}")
    await relay(world, worker, Rules()).run_once(world.clock.now())
    assert (office.got, len(await world.database.rows(WAITING))) == ([], 1)


async def test_of_moves_that_race_one_is_told(world: World, office: Receiver, worker: Door) -> None:
    said = await world.created(webhook=office.url)
    token, path = await world.approved(said), f"/{said['id']}"
    answers = await asyncio.gather(
        world.sign(said, token), world.ask("DELETE", path), world.ask("POST", f"{path}/rejection")
    )
    assert sum(code in (200, 204) for code, _ in answers) == 1
    await relay(world, worker).run_once(world.clock.now())
    assert len(office.got) == 1
    state = (await world.shown(said))["state"]
    assert (await told(worker, office.got))[0][1] == state
