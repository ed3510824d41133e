"""What a person signed is theirs to read and to erase, and no relying party's."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write
from esignet.flows.csc_approvals import Given
from esignet.flows.history import Noting
from esignet.protocol.activation_subject import person_hash
from esignet.protocol.history import MOST_DIGESTS, ApiSignature
from esignet.stores.history import Signatures, signature_history
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import NotActivated
from tests.csc import Token, brought
from tests.request_world import YEAR, World, known, request_world
from tests.unit.web.asking import Asked, Reply, ask

ENTRIES = Statement(select(signature_history))
SCOPE = frozenset(("signing_history",))


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with request_world(database, tmp_path) as made:
        until = made.clock.now() + 3 * YEAR
        for client, subject in (
            *(("authority", "ana"), ("authority", "ben")),
            *(("office", "ana"), ("another", "ana"), ("authority", "authority")),
        ):
            token = Token(client_id=client, subject=subject, scope=SCOPE, expires_at=until)
            made.bearers.tokens[f"{client}-{subject}"] = token
        yield made


async def reply(world: World, method: str, path: str, token: str, query: str = "") -> Reply:
    headers = [("authorization", f"Bearer {token}")] if token else []
    asked = Asked(method, f"/signatures{path}", headers, query=query.encode())
    return await ask(world.web, asked)


async def listed(world: World, token: str = "authority-ana", query: str = "") -> dict[str, Any]:
    answer = await reply(world, "GET", "", token, query)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = msgspec.json.decode(answer.body)
    return told


async def signed(
    world: World, subject: str = "ana", client: str = "office", **changes: object
) -> None:
    body = {"format": "cades", "level": "B-B", "documents": [known()], **changes}
    status, said = await world.ask("POST", "", body, token=client)
    assert status == 201, said
    token = await world.approved(said, subject, client_id=client)
    assert (await world.sign(said, token))[0] == 200


async def test_a_person_finds_what_they_signed_newest_first(world: World) -> None:
    await signed(world, documents=[known(name="lease.pdf"), known(name="plan.txt")])
    world.clock.at += 60
    await signed(world, "ana-at-another", "another", documents=[known(name="loan.pdf")])
    await signed(world, "ben")
    told = await listed(world)
    assert [one["labels"] for one in told["signatures"]] == [
        ["loan.pdf"],
        ["lease.pdf", "plan.txt"],
    ]
    newest, oldest = told["signatures"]
    assert (newest["client_id"], newest["client_name"]) == ("another", "The another")
    assert (newest["client_name#fr"], newest["signed_at"]) == ("Le another", world.clock.now())
    assert (oldest["format"], oldest["level"], oldest["count"]) == ("cades", "B-B", 2)
    assert "next" not in told


async def test_a_long_list_comes_in_pages_without_loss(world: World) -> None:
    for number in range(5):
        await signed(world, documents=[known(name=f"{number}.txt")])
        world.clock.at += number % 2
    seen, query = [], "limit=2"
    while True:
        told = await listed(world, query=query)
        seen += [one["labels"][0] for one in told["signatures"]]
        if "next" not in told:
            break
        assert len(told["signatures"]) == 2
        query = f"limit=2&before={told['next']}"
    assert sorted(seen) == [f"{number}.txt" for number in range(5)]


async def test_other_queries_are_refused(world: World) -> None:
    wrong = ("limit=0", "limit=51", "limit=x", "before=1", "before=a.b", "more=1")
    for query in (*wrong, "limit=1&limit=2", "before=1.%00"):
        assert (await reply(world, "GET", "", "authority-ana", query)).status == 400, query


@pytest.mark.attack("A5")
async def test_no_relying_party_sees_what_was_signed_for_another(world: World) -> None:
    await signed(world)
    await signed(world, "ana", "another")
    [mine] = (await listed(world, "office-ana"))["signatures"]
    assert mine["client_id"] == "office"
    assert (await listed(world, "authority-ben"))["signatures"] == []
    assert (await reply(world, "DELETE", f"/{mine['id']}", "office-ana")).status == 403
    assert (await reply(world, "DELETE", f"/{mine['id']}", "authority-ben")).status == 404
    assert len((await listed(world))["signatures"]) == 2


async def test_tokens_that_are_not_for_this_are_refused(world: World) -> None:
    for method, path in (("GET", ""), ("DELETE", "/x")):
        for token, status in (("", 401), ("unknown", 401), ("office", 403)):
            answer = await reply(world, method, path, token)
            assert answer.status == status
            assert (answer.header("www-authenticate") or "").startswith("Bearer")
        assert (await reply(world, method, path, "authority-authority")).status == 403


async def test_an_entry_is_erased_once_and_for_good(world: World) -> None:
    await signed(world)
    await signed(world)
    [first, second] = (await listed(world))["signatures"]
    path = f"/{first['id']}"
    answers = await asyncio.gather(
        *(reply(world, "DELETE", path, "authority-ana") for _ in range(3))
    )
    assert sorted(one.status for one in answers) == [204, 404, 404]
    assert [one["id"] for one in (await listed(world))["signatures"]] == [second["id"]]
    [row] = await world.database.rows(ENTRIES)
    assert row["id"] == second["id"]
    await world.database.submit(Signatures.forgotten(person_hash("ana")))
    assert (await listed(world))["signatures"] == []


async def test_names_lie_sealed_for_their_own_row(world: World) -> None:
    await signed(world, documents=[known(name="divorce.pdf")])
    await signed(world, "ben", documents=[known(name="loan.pdf")])
    rows = await world.database.rows(ENTRIES)
    stored = b"".join(bytes(row["told"]) + bytes(row["key"]) for row in rows)
    assert b"divorce" not in stored
    assert "ana" not in {row["signer"] for row in rows}
    theirs = next(row for row in rows if row["signer"] == person_hash("ben"))
    moved = signature_history.update().values(key=theirs["key"], told=theirs["told"])
    await world.database.submit(Write(Statement(moved), {}, rows=2))
    [mine] = (await listed(world))["signatures"]
    assert mine["labels"] == [], "what belongs to another row does not open here"


async def test_what_a_client_had_signed_by_digests_is_found_by_digests(world: World) -> None:
    notes = world.resuming.signing.notes
    assert isinstance(notes, Noting)
    many = [HashAlgorithm.SHA384.of(bytes([number])) for number in range(30)]
    signature = ApiSignature(
        formats=frozenset(("pades", "cades")),
        levels=frozenset(("B-LT",)),
        algorithm=HashAlgorithm.SHA384,
        digests=many,
        certificates=["0a"] * 30,
    )
    for _ in range(3):  # the answer was lost, and asked for again
        await notes.keep(brought("ana"), signature, world.clock.now())
    await notes.keep(brought("somebody"), signature, world.clock.now())
    [entry] = (await listed(world))["signatures"]
    assert (entry["client_id"], entry["count"], entry["labels"]) == ("office", 30, [])
    assert (entry["format"], entry["level"]) == ("cades pades", "B-LT")
    assert entry["hashAlgorithmOID"] == HashAlgorithm.SHA384.oid
    assert [base64.b64decode(one) for one in entry["digests"]] == many[:MOST_DIGESTS]
    assert entry["certificates"] == ["0a"]
    await signed(world)
    [newest, _] = sorted((await listed(world))["signatures"], key=lambda one: one["count"])
    assert "digests" not in newest and "certificates" not in newest, "it has names"
    nowhere = replace(notes, lifetime=0)
    await nowhere.keep(brought("ben"), signature, world.clock.now())
    nameless = Given(replace(brought("").approved, activation="x"), "office", "x")
    await notes.keep(nameless, signature, world.clock.now())
    assert (await listed(world, "authority-ben"))["signatures"] == []
    assert len(await world.database.rows(ENTRIES)) == 3


async def test_what_was_not_signed_is_not_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await world.created()
    token = await world.approved(said)

    async def refused(*_: object) -> None:
        raise NotActivated("used")

    with monkeypatch.context() as broken:
        broken.setattr(type(world.signing), "signed", refused)
        assert (await world.sign(said, token))[0] == 403
    assert await world.database.rows(ENTRIES) == []


async def test_entries_leave_after_their_time(world: World) -> None:
    await signed(world)
    world.clock.at += YEAR
    assert (await listed(world))["signatures"] == []
    await world.database.submit(Signatures.prune(world.clock.now(), 10))
    assert await world.database.rows(ENTRIES) == []
