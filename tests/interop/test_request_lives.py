"""Signature requests outlive whoever works on them, and end in one of the ways that are told."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from config.runtime.audit.records import entries
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write
from esignet.flows.request_signing import LEASE
from esignet.flows.signing import Signing
from esignet.formats.format import FormatError
from esignet.protocol.signature_request import State
from keystore.door import KeyServiceUnavailable
from keystore.stores.kept_signatures import kept_signatures
from tests.request_world import (
    CONTENT,
    DIGEST,
    PARTS,
    World,
    asked,
    given,
    known,
    request_world,
)

AWAY = KeyServiceUnavailable("away")
RECORDS = Statement(select(func.count()).where(entries.c.action == "document.signed"))
FORGET = Statement(delete(kept_signatures))


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """These tests are about who dies; what the database does for it is tested on both kinds."""
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        yield made


async def records(world: World) -> int:
    row = await world.house.database.row(RECORDS)
    assert row is not None
    return int(row[0])


class Falls:
    """Takes the place of a step of `Signing`: does it or not, and falls as often as it may."""

    def __init__(self, fault: Exception, *, after: bool = False, times: int = 1) -> None:
        self.fault, self.after, self.left = fault, after, times

    def over(self, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        real = getattr(Signing, step)

        async def falling(signing: Signing, *arguments: Any) -> Any:
            made = await real(signing, *arguments) if self.after or not self.left else None
            if self.left:
                self.left -= 1
                raise self.fault
            return made

        monkeypatch.setattr(Signing, step, falling)


async def test_a_signature_whose_answer_was_lost_is_found_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Falls(AWAY, after=True).over(monkeypatch, "signed")
    said = await world.created()
    token = await world.approved(said)
    assert (await world.sign(said, token))[0] == 503
    assert (await world.shown(said))["state"] in ("signing", "completing", "signed")
    assert (await world.sign(said, await world.approved(said)))[0] == 409, "one approval, no other"
    status, made = await world.sign(said, token)
    assert (status, await records(world)) == (200, 1)
    assert await world.sign(said, token) == (200, made)
    assert world.told.events == ["created", "signed"]


async def test_time_stamps_that_are_away_are_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Falls(AWAY, times=3).over(monkeypatch, "finished")
    said = await world.created()
    token = await world.approved(said)
    assert (await world.sign(said, token))[0] == 503
    found = await world.store.find(said["id"])
    assert found is not None and found.state is State.COMPLETING
    kept = {row["part"] for row in await world.database.rows(PARTS)}
    assert "signatures" in kept and "approval" not in kept
    for state in (State.COMPLETING, State.COMPLETING, State.SIGNED):
        await world.resuming.run_once(world.clock.now())
        found = await world.store.find(said["id"])
        assert found is not None and found.state is state
    assert (await world.sign(said, token))[0] == 200
    assert await records(world) == 1


async def test_who_only_looks_has_it_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Falls(AWAY).over(monkeypatch, "finished")
    said = await world.created()
    assert (await world.sign(said, await world.approved(said)))[0] == 503
    assert (await world.shown(said))["state"] == "completing"
    await world.resuming.signing.drained()
    assert (await world.shown(said))["state"] == "signed"


async def test_a_fault_of_ours_is_logged_and_tried_again_when_its_time_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Falls(RuntimeError("a bug")).over(monkeypatch, "finished")
    said = await world.created()
    token = await world.approved(said)
    assert (await world.sign(said, token))[0] == 500
    assert "work on a signature request failed" in caplog.text
    reply = await world.reply("POST", f"/{said['id']}/signatures", token=token)
    assert (reply.status, reply.header("retry-after")) == (503, "5"), "somebody may be at work"
    world.clock.at += LEASE
    await world.resuming.run_once(world.clock.now())
    assert (await world.shown(said))["state"] == "signed"


async def test_what_cannot_be_raised_has_failed_and_is_destroyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Falls(FormatError("no")).over(monkeypatch, "finished")
    said = await world.created()
    token = await world.approved(said)
    status, told = await world.sign(said, token)
    assert (status, told["error"]) == (422, "unsignable")
    shown = await world.shown(said)
    assert (shown["state"], shown["reason"]) == ("failed", "unsignable")
    assert await world.database.rows(PARTS) == []
    for again in (token, await world.approved(said)):
        assert (await world.sign(said, again))[0] == 409
    assert world.told.events == ["created", "failed"]


async def test_a_signature_that_nobody_kept_is_not_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    Falls(AWAY, after=True).over(monkeypatch, "signed")
    said = await world.created()
    token = await world.approved(said)
    assert (await world.sign(said, token))[0] == 503
    await world.house.database.submit(Write(FORGET, {}, rows=1))
    status, told = await world.sign(said, token)
    assert (status, told["error"]) == (409, "conflict")
    shown = await world.shown(said)
    assert (shown["state"], shown["reason"]) == ("failed", "signature_lost")
    assert (await world.sign(said, await world.approved(said)))[0] == 409
    assert await records(world) == 1


async def test_who_hangs_up_finds_the_documents_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, may, real = asyncio.Event(), asyncio.Event(), Signing.finished

    async def slowly(signing: Signing, *arguments: Any) -> Any:
        reached.set()
        await may.wait()
        return await real(signing, *arguments)

    monkeypatch.setattr(Signing, "finished", slowly)
    said = await world.created()
    token = await world.approved(said)
    first = asyncio.create_task(world.sign(said, token))
    await reached.wait()
    first.cancel()
    await asyncio.wait([first])
    again = asyncio.create_task(world.sign(said, token))
    may.set()
    assert (await again)[0] == 200
    assert await records(world) == 1


async def test_one_approval_that_comes_often_at_once_is_signed_once(world: World) -> None:
    said = await world.created()
    token = await world.approved(said)
    answers = await asyncio.gather(*(world.sign(said, token) for _ in range(8)))
    assert answers == [(200, answers[0][1])] * 8
    assert await records(world) == 1


async def test_one_approval_is_for_one_request_also_where_two_are_alike(world: World) -> None:
    said, alike = await world.created(), await world.created()
    token = await world.approved(said)
    assert (await world.sign(said, token))[0] == 200
    status, told = await world.sign(alike, token)
    assert (status, told["error"]) == (403, "not_approved")
    assert (await world.shown(alike))["state"] == "open"
    assert (await world.sign(alike, await world.approved(alike)))[0] == 200


async def test_where_somebody_is_at_work_nobody_else_begins(world: World) -> None:
    said = await world.created()
    token = await world.approved(said)
    [status, _] = await world.sign(said, token)
    assert status == 200
    found = await world.store.find(said["id"])
    assert found is not None
    other = await world.created()
    taken = await world.store.find(other["id"])
    assert taken is not None
    second = await world.approved(other)
    now = world.clock.now()
    slot = found.slots[0]
    of_other = taken.taken(0, slot, now, now + LEASE)
    await world.database.submit(world.store.moved(taken, of_other))
    assert (await world.sign(other, second))[0] == 409, "another approval is at work"
    reply = await world.reply("DELETE", f"/{other['id']}")
    assert reply.status == 409
    await world.resuming.run_once(now + LEASE - 1)
    assert (await world.shown(other))["state"] == "signing"


async def test_what_expires_is_destroyed_and_told(world: World) -> None:
    said = await world.created()
    world.clock.at = said["expires_at"]
    await world.resuming.run_once(world.clock.now())
    await world.resuming.run_once(world.clock.now())
    assert (await world.shown(said))["state"] == "expired"
    assert await world.database.rows(PARTS) == []
    assert world.told.events == ["created", "expired"]


async def test_what_is_signed_is_downloaded_until_it_expires(world: World) -> None:
    said = await world.created(format="asic_cades", documents=[given(CONTENT, "Miete \u00e4.txt")])
    path = f"/{said['id']}/documents/0"
    assert (await world.ask("GET", path))[0] == 409
    status, made = await world.sign(said, await world.approved(said))
    assert status == 200
    reply = await world.reply("GET", path)
    assert reply.body == base64.b64decode(made["documents"][0]["content"])
    assert reply.header("content-type") == "application/vnd.etsi.asic-e+zip"
    assert reply.header("cache-control") == "no-store"
    assert reply.header("content-disposition") == (
        "attachment; filename=\"documents.asice\"; filename*=UTF-8''documents.asice"
    )
    for wrong in ("1", "00", "-1", "x", "9999999"):
        assert (await world.ask("GET", f"/{said['id']}/documents/{wrong}"))[0] == 404
    assert (await world.ask("GET", path, token="another"))[0] == 404
    world.clock.at = said["expires_at"]
    await world.database.submit(*world.store.prune(world.clock.now(), 10))
    assert (await world.reply("GET", path)).status == 410
    assert (await world.shown(said))["state"] == "signed", "which is told for a day more"


async def test_a_name_of_any_script_is_the_name_of_the_file(world: World) -> None:
    said = await world.created(documents=[known(name='Miete "\u00e4" 50%.txt')], level="B-B")
    assert (await world.sign(said, await world.approved(said)))[0] == 200
    reply = await world.reply("GET", f"/{said['id']}/documents/0")
    assert reply.header("content-disposition") == (
        'attachment; filename="Miete ___ 50_.txt.p7s"; '
        "filename*=UTF-8''Miete%20%22%C3%A4%22%2050%25.txt.p7s"
    )
    assert reply.header("content-type") == "application/pkcs7-signature"


async def test_one_key_makes_one_request_however_many_ask_at_once(world: World) -> None:
    key = {"idempotency-key": "order-17"}
    answers = await asyncio.gather(*(world.ask("POST", "", asked(), **key) for _ in range(64)))
    assert [status for status, _ in answers] == [201] * 64
    assert len({told["id"] for _, told in answers}) == 1
    assert world.told.events.count("created") >= 1
    other = asked(documents=[known(hashlib.sha256(b"other").digest())])
    status, told = await world.ask("POST", "", other, **key)
    assert (status, told["error"]) == (422, "key_reused")
    status, told = await world.ask("POST", "", asked(), token="another", **key)
    assert status == 201 and told["id"] != answers[0][1]["id"]
    for wrong in ("", "x" * 256, "k\u00e9y"):
        assert (await world.ask("POST", "", asked(), **{"idempotency-key": wrong}))[0] == 400
    said = answers[0][1]
    assert (await world.sign(said, await world.approved(said)))[0] == 200
    assert (await world.ask("POST", "", asked(), **key)) == (201, said), "also when it is signed"


async def test_a_client_has_so_many_requests_that_wait(world: World) -> None:
    answers = await asyncio.gather(*(world.ask("POST", "", asked()) for _ in range(30)))
    assert sorted(status for status, _ in answers) == [201] * 20 + [429] * 10
    said = [told for status, told in answers if status == 201]
    reply = await world.reply("POST", "", asked())
    assert (reply.status, reply.header("retry-after")) == (429, "5")
    assert (await world.ask("POST", "", asked(), token="another"))[0] == 201
    assert (await world.ask("DELETE", f"/{said[0]['id']}"))[0] == 204
    assert (await world.ask("POST", "", asked()))[0] == 201


async def test_a_rejection_destroys_the_documents_and_says_why(world: World) -> None:
    said = await world.created()
    token, path = await world.approved(said), f"/{said['id']}/rejection"
    bodies: list[Any] = [{"reason": "I do not like it"}, {"reason": 1}, {"because": "x"}, []]
    for wrong in bodies:
        assert (await world.ask("POST", path, wrong))[0] == 400
    assert (await world.ask("POST", path, token="another"))[0] == 404
    assert (await world.ask("POST", path, {"reason": "wrong_amount"}))[0] == 204
    shown = await world.shown(said)
    assert (shown["state"], shown["reason"]) == ("rejected", "wrong_amount")
    assert await world.database.rows(PARTS) == []
    assert (await world.sign(said, token))[0] == 409
    assert (await world.ask("POST", path))[0] == 409
    assert world.told.events == ["created", "rejected"]
    assert (await world.shown(await world.created()))["hashes"] == [known(DIGEST)["digest"]]
