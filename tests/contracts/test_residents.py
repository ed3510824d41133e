"""The contract of an ID store, held on SQLite and on PostgreSQL with real keys."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused, Statement, Value
from idp.protocol.claims import STANDARD
from idp.residents import tables
from idp.residents.embedded import EmbeddedResidents
from idp.residents.erasing import proof_of
from idp.residents.port import NOBODY, Resident, State, UnknownResident
from keystore.cells import Cells
from keystore.door import BadSeal
from tests.residents import NOW, CountingDoor, Keys, id_store, import_rows, software_keys

AMINA: dict[str, Any] = {
    "national_id": "4821 0096 37",
    "name": "Amina Odhiambo",
    "name#ar": "أمينة أوديامبو",
    "phone_number": "07700 900123",
    "email": "Amina@Example.org",
    "locale": "sw",
    "address": {"locality": "Port Azure", "country": "KE"},
    "pin": "271828",
    "totp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "handles": ["4711@ration-card"],
    "virtual_ids": [
        {"number": "8214009355671204", "uses": 1},
        {"number": "6650128837410095", "valid_until": NOW + 60},
        {"number": "7331905528806412"},
    ],
    "verified_at": NOW - 1000,
    "authority": "Registry",
    "verification": {"address": {"verified_at": NOW - 5, "authority": "Town hall"}},
}
BARAKA: dict[str, Any] = {"national_id": "5930117482", "name": "Baraka", "pin": "161803"}


@dataclass(frozen=True, slots=True)
class Place:
    """An ID store with Amina and Baraka in it."""

    database: OpenDatabase
    keys: Keys
    residents: EmbeddedResidents
    directory: Path

    async def imported(self, *rows: Mapping[str, Any]) -> Any:
        lines = [json.dumps(row).encode() for row in rows]
        return await import_rows(self.database, self.keys.door, self.directory, lines)

    async def who(self, typed: str, now: int = NOW) -> Resident:
        found = await self.residents.find(typed, now)
        assert found is not None
        return found


@pytest.fixture
async def place(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Place]:
    keys = await software_keys(tmp_path)
    directory = tmp_path / "files"
    directory.mkdir()
    there = Place(database, keys, id_store(database, keys.door), directory)
    await there.imported(AMINA, BARAKA)
    yield there
    await keys.backend.close()


@pytest.mark.parametrize(
    "typed",
    [
        "4821009637",
        " 4821-0096-37 ",
        "٤٨٢١٠٠٩٦٣٧",
        "४८२१००९६३७",
        "\u20664821\u200e009637\u2069",
        "7331 9055 2880 6412",
        "+44 7700 900123",
        "07700 900 123",
        "00447700900123",
        "(07700) 900-123",
        "7700900123@phone",
        "amina@example.org",
        "AMINA@EXAMPLE.ORG",
        "4711@Ration-Card",
    ],
)
async def test_a_person_is_found_by_whatever_they_type(place: Place, typed: str) -> None:
    resident = await place.who(typed)
    assert resident == replace(await place.who("4821009637"), found_by=resident.found_by)
    assert resident.state is State.ACTIVE
    assert resident.enrolled == {"otp", "pin", "totp"}
    assert await place.residents.get(resident.id) == replace(resident, found_by="")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "0",
        "4821009638",
        "48210096370",
        "+447700900124",
        "x" * 100_000,
        "\0",
        "\ud800",
        "@",
    ],
)
async def test_nobody_is_found_by_anything_else(place: Place, typed: str) -> None:
    assert await place.residents.find(typed, NOW) is None


async def test_what_is_known_of_a_person_comes_back_as_it_was_said(place: Place) -> None:
    amina = await place.who("4821009637")
    names = ["name", "email", "address", "picture", "nickname"]
    attributes = await place.residents.attributes(amina.id, names)
    assert {(each.name, each.locale): each.value for each in attributes} == {
        ("name", ""): "Amina Odhiambo",
        ("name", "ar"): "أمينة أوديامبو",
        ("email", ""): "Amina@Example.org",
        ("address", ""): {"locality": "Port Azure", "country": "KE"},
    }
    verified = {each.name: (each.verified_at, each.authority) for each in attributes}
    assert verified["name"] == (NOW - 1000, "Registry")
    assert verified["address"] == (NOW - 5, "Town hall")
    addresses = await place.residents.addresses(amina.id)
    assert (addresses.phone, addresses.email) == ("+447700900123", "Amina@Example.org")
    assert addresses.locale == "sw"
    assert (await place.residents.secret(amina.id, "totp") or b"").startswith(b"Hello!")
    assert (await place.residents.secret(amina.id, "pin") or b"").startswith(b"$argon2id$")


async def test_what_there_is_to_share_is_told_without_opening_it(place: Place) -> None:
    amina, baraka = await place.who("4821009637"), await place.who("5930117482")
    asked: list[str] = []
    store = id_store(place.database, CountingDoor(place.keys.door, asked))
    names = {"name", "phone_number", "email", "locale", "address"}
    for who, known in ((amina, names), (baraka, {"name"})):
        described = await store.described(who.id)
        assert described is not None and described.claims is not None
        assert described.claims & STANDARD == known
        assert replace(described, claims=None) == replace(who, found_by="")
    assert asked == []


async def test_only_what_is_known_of_an_active_person_is_shared(place: Place) -> None:
    residents, amina = place.residents, await place.who("4821009637")
    names = ["name", "picture"]
    assert await residents.shared(amina.id, names) == await residents.attributes(amina.id, names)
    assert await residents.shared(amina.id, []) == []
    for state in set(State) - {State.ACTIVE}:
        await place.database.submit(residents.declare(amina.id, state, NOW))
        assert await residents.shared(amina.id, names) is None
        assert await residents.shared(amina.id, []) is None
    assert await residents.shared(NOBODY, names) is None


async def test_nobody_has_anything(place: Place) -> None:
    residents = place.residents
    assert await residents.get(NOBODY) is None
    assert await residents.attributes(NOBODY, ["name", "picture"]) == []
    assert await residents.described(NOBODY) is None
    assert await residents.secret(NOBODY, "pin") is None
    addresses = await residents.addresses(NOBODY)
    assert (addresses.phone, addresses.email, addresses.locale) == (None, None, "")
    with pytest.raises(UnknownResident):
        await residents.enrol(NOBODY, "pin", b"secret", NOW)
    with pytest.raises(UnknownResident):
        await residents.erase(NOBODY, NOW)


async def test_a_factor_is_enrolled_and_replaced(place: Place) -> None:
    baraka = await place.who("5930117482")
    assert baraka.enrolled == {"pin"}
    for seed in (b"first seed", b"second seed"):
        await place.database.submit(await place.residents.enrol(baraka.id, "totp", seed, NOW))
        assert await place.residents.secret(baraka.id, "totp") == seed
    assert (await place.who("5930117482")).enrolled == {"pin", "totp"}


async def test_locks_are_exactly_those_that_were_set(place: Place) -> None:
    baraka = await place.who("5930117482")
    await place.database.submit(place.residents.lock(baraka.id, {"pin", "otp"}, NOW))
    locked = await place.who("5930117482")
    assert locked.locked_factors == {"pin", "otp"} and not locked.may_use("pin")
    await place.database.submit(place.residents.lock(baraka.id, set(), NOW))
    assert (await place.who("5930117482")).may_use("pin")
    with pytest.raises(Refused):
        await place.database.submit(place.residents.lock(NOBODY, {"pin"}, NOW))


@pytest.mark.parametrize("state", [State.LOCKED, State.EXPIRED, State.DECEASED])
async def test_who_is_not_active_is_found_and_may_use_nothing(place: Place, state: State) -> None:
    baraka = await place.who("5930117482")
    await place.database.submit(place.residents.declare(baraka.id, state, NOW))
    found = await place.who("5930117482")
    assert found.state is state and not found.may_use("pin")


async def test_a_temporary_number_ends(place: Place) -> None:
    assert await place.residents.find("6650128837410095", NOW + 59) is not None
    assert await place.residents.find("6650128837410095", NOW + 60) is None


async def test_a_one_time_number_serves_one_login_of_64(place: Place) -> None:
    found = await asyncio.gather(*(place.who("8214009355671204") for _ in range(64)))
    writes = [place.residents.use(each.found_by, NOW) for each in found]
    results = await asyncio.gather(
        *(place.database.submit(write) for write in writes), return_exceptions=True
    )
    assert results.count(None) == 1
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 63
    assert await place.residents.find("8214009355671204", NOW) is None
    assert await place.residents.find("4821009637", NOW) is not None


async def test_typing_a_one_time_number_does_not_take_it_away(place: Place) -> None:
    for _ in range(3):
        assert (await place.who("8214009355671204")).found_by


async def test_a_number_that_ended_during_the_login_is_refused(place: Place) -> None:
    directory = {"number": "9000111122223333", "uses": 5, "valid_until": NOW + 10}
    await place.imported({**BARAKA, "virtual_ids": [directory]})
    found = await place.who("9000111122223333")
    with pytest.raises(Refused):
        await place.database.submit(place.residents.use(found.found_by, NOW + 10))
    await place.database.submit(place.residents.use(found.found_by, NOW + 9))


async def test_a_rotated_lookup_key_finds_everybody_and_hashes_anew_on_use(place: Place) -> None:
    assert (await place.who("4821009637")).found_by == ""
    await place.keys.rotate_lookup()
    found = await place.who("4821009637")
    assert found.found_by
    use = place.residents.use(found.found_by, NOW)
    await asyncio.gather(*(place.database.submit(use) for _ in range(8)))
    again = await place.who("4821009637")
    assert again.id == found.id and again.found_by == ""
    spent = await place.who("8214009355671204")
    await place.database.submit(place.residents.use(spent.found_by, NOW))
    assert await place.residents.find("8214009355671204", NOW) is None


async def test_importing_again_hashes_anew_and_keeps_uses_spent(place: Place) -> None:
    spent = await place.who("8214009355671204")
    await place.database.submit(place.residents.use(spent.found_by, NOW))
    await place.keys.rotate_lookup()
    progress = await place.imported(AMINA)
    assert progress.tally.changed == 1
    assert (await place.who("amina@example.org")).found_by == ""
    assert await place.residents.find("8214009355671204", NOW) is None
    assert (await place.imported(AMINA)).tally.unchanged == 1


async def test_a_miss_asks_as_much_as_a_hit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the database and the key service are asked does not tell whether somebody is there."""
    asked: list[str] = []
    door = CountingDoor(place.keys.door, asked)
    residents = id_store(place.database, door)

    def noting(read: Any) -> Any:
        async def rows(statement: Statement, **values: Value) -> Any:
            asked.append(f"read {id(statement)}")
            return await read(statement, **values)

        return rows

    for name in ("rows", "row"):
        monkeypatch.setattr(place.database, name, noting(getattr(place.database, name)))

    opening = Cells.open

    def noted(cells: Cells, sealed: bytes, bound_to: bytes) -> bytes:
        asked.append("cell")
        return opening(cells, sealed, bound_to)

    monkeypatch.setattr(Cells, "open", noted)

    async def login(typed: str) -> list[str]:
        asked.clear()
        found = await residents.find(typed, NOW)
        resident_id = found.id if found else NOBODY
        await residents.get(resident_id)
        await residents.addresses(resident_id)
        await residents.secret(resident_id, "pin")
        await residents.secret(resident_id, "totp")
        return [*asked]

    await login("to make the decoy")
    hit = await login("4821009637")
    assert hit.count("cell") == 5
    for other in ("5930117482", "8214009355671204", "1111111111", "no@example.org", "", "x" * 999):
        assert await login(other) == hit


async def test_finding_somebody_is_one_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Statement] = []
    read = place.database.rows

    async def counted(statement: Statement, **values: Value) -> Any:
        reads.append(statement)
        return await read(statement, **values)

    monkeypatch.setattr(place.database, "rows", counted)
    found = await place.who("amina@example.org")
    assert found.enrolled == {"otp", "pin", "totp"} and len(reads) == 1


async def _set(place: Place, table: Any, column: str, value: Any, **where: str) -> None:
    statement = update(table).values({column: bindparam("swapped")})
    for name, wanted in where.items():
        statement = statement.where(table.c[name] == wanted)
    await place.database.load([(Statement(statement), [{"swapped": value}])])


async def _get(place: Place, table: Any, column: str, **where: str) -> Any:
    statement = select(table.c[column])
    for name, wanted in where.items():
        statement = statement.where(table.c[name] == wanted)
    found = await place.database.row(Statement(statement))
    assert found is not None
    return found[column]


@pytest.mark.parametrize("whose", ["own row of another name", "other person"])
async def test_a_cell_that_was_moved_does_not_open(place: Place, whose: str) -> None:
    amina, baraka = await place.who("4821009637"), await place.who("5930117482")
    if whose == "other person":
        cell = await _get(place, tables.attribute, "cell", resident_id=baraka.id, name="name")
    else:
        cell = await _get(
            place, tables.attribute, "cell", resident_id=amina.id, name="name", locale="ar"
        )
    await _set(place, tables.attribute, "cell", cell, resident_id=amina.id, name="name", locale="")
    with pytest.raises(BadSeal):
        await place.residents.attributes(amina.id, ["name"])


async def test_a_key_or_a_secret_that_was_moved_does_not_open(place: Place) -> None:
    amina, baraka = await place.who("4821009637"), await place.who("5930117482")
    pin = await _get(place, tables.secret, "cell", resident_id=baraka.id, factor="pin")
    await _set(place, tables.secret, "cell", pin, resident_id=amina.id, factor="pin")
    with pytest.raises(BadSeal):
        await place.residents.secret(amina.id, "pin")
    key = await _get(place, tables.resident, "wrapped_key", id=baraka.id)
    await _set(place, tables.resident, "wrapped_key", key, id=amina.id)
    with pytest.raises(BadSeal):
        await place.residents.addresses(amina.id)


async def test_erasing_leaves_a_proof_and_nothing_else(place: Place) -> None:
    amina = await place.who("4821009637")
    erasure = await place.residents.erase(amina.id, NOW)
    await place.database.submit(*erasure.writes)
    assert await place.residents.get(amina.id) is None
    for typed in ("4821009637", "amina@example.org", "+447700900123", "7331905528806412"):
        assert await place.residents.find(typed, NOW) is None
    assert await place.residents.attributes(amina.id, ["name", "picture"]) == []
    assert await place.residents.secret(amina.id, "pin") is None
    for table in (tables.identifier, tables.attribute, tables.secret):
        left = select(table).where(table.c.resident_id == amina.id)
        assert await place.database.rows(Statement(left)) == []
    proof = await proof_of(place.database, amina.id)
    assert proof == erasure.proof
    assert (proof.erased_at, proof.identifiers, proof.secrets) == (NOW, 7, 2)
    assert json.loads(proof.as_json())["digest"] == proof.digest and len(proof.digest) == 64
    assert (await place.who("5930117482")).enrolled == {"pin"}


async def test_a_person_is_erased_once(place: Place) -> None:
    amina = await place.who("4821009637")
    erasures = await asyncio.gather(*(place.residents.erase(amina.id, NOW) for _ in range(8)))
    results = await asyncio.gather(
        *(place.database.submit(*each.writes) for each in erasures), return_exceptions=True
    )
    assert results.count(None) == 1
    assert await proof_of(place.database, amina.id) == erasures[results.index(None)].proof


async def test_the_digest_of_a_proof_covers_every_sealed_record(place: Place) -> None:
    amina = await place.who("4821009637")
    before = (await place.residents.erase(amina.id, NOW)).proof.digest
    assert (await place.residents.erase(amina.id, NOW + 1)).proof.digest == before
    await place.database.submit(await place.residents.enrol(amina.id, "pin", b"other", NOW))
    assert (await place.residents.erase(amina.id, NOW)).proof.digest != before


async def test_an_erased_person_can_come_again_as_somebody_new(place: Place) -> None:
    amina = await place.who("4821009637")
    await place.database.submit(*(await place.residents.erase(amina.id, NOW)).writes)
    assert (await place.imported(AMINA)).tally.added == 1
    assert (await place.who("4821009637")).id != amina.id
