"""A registry's file becomes residents: whole, once, through crashes, and readable by no thief."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.schema import metadata
from config.runtime.database.unit import Statement
from idp.residents import tables
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import Importer, Order, Progress
from idp.residents.port import Resident
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.run import socket_path
from tests import servers
from tests.residents import (
    FAST_PIN,
    NOW,
    SAMPLES,
    Keys,
    StillClock,
    id_store,
    import_file,
    import_rows,
    importer,
    software_keys,
)

pytestmark = pytest.mark.long

CLAIMS = ["national_id", "name", "phone_number", "email", "address", "birthdate"]
TABLES = (tables.resident, tables.identifier, tables.attribute, tables.secret)


def person(number: int, **more: Any) -> dict[str, Any]:
    """Return an invented row."""
    return {
        "national_id": f"{4_000_000_000 + number * 7919}",
        "name": f"Person {number}",
        "name#ar": f"شخص {number}",
        "phone_number": f"+4477{number:08d}",
        "email": f"person{number}@example.org",
        "verified_at": 1_700_000_000,
        "authority": "Registry",
        **more,
    }


def lines(*rows: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@dataclass(frozen=True, slots=True)
class Place:
    """An empty ID store and a directory for files."""

    database: OpenDatabase
    keys: Keys
    residents: EmbeddedResidents
    directory: Path

    async def imported(self, *rows: Mapping[str, Any]) -> Progress:
        each = [lines(row).strip() for row in rows]
        return await import_rows(self.database, self.keys.door, self.directory, each)

    async def find(self, typed: str) -> Resident | None:
        return await self.residents.find(typed, NOW)

    async def claims(self, typed: str) -> dict[str, Any]:
        found = await self.find(typed)
        assert found is not None
        attributes = await self.residents.attributes(found.id, CLAIMS)
        return {f"{each.name}#{each.locale}".rstrip("#"): each.value for each in attributes}

    async def counts(self) -> list[int]:
        rows = [
            await self.database.row(Statement(select(func.count()).select_from(table)))
            for table in TABLES
        ]
        return [row[0] for row in rows if row is not None]

    def rejected(self, name: str = "rows-0.jsonl") -> list[dict[str, Any]]:
        file = self.directory / f"{name}.rejected.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
async def place(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Place]:
    keys = await software_keys(tmp_path)
    directory = tmp_path / "files"
    directory.mkdir()
    yield Place(database, keys, id_store(database, keys.door), directory)
    await keys.backend.close()


async def test_the_same_file_again_changes_nothing(place: Place) -> None:
    first = await import_file(place.database, place.keys.door, _copy(SAMPLES, place))
    assert (first.tally.added, first.tally.rejected) == (40, 0)
    counted = await place.counts()
    again = await import_file(place.database, place.keys.door, _copy(SAMPLES, place))
    assert (again.tally.unchanged, again.tally.rows) == (40, 40)
    assert await place.counts() == counted
    assert place.rejected(SAMPLES.name) == []


async def test_a_changed_row_replaces_what_the_registry_said(place: Place) -> None:
    await place.imported(person(1, virtual_ids=[{"number": "9000111122223333"}]))
    before = await place.find("+447700000001")
    changed = person(1, phone_number="+447700900999", state="expired")
    del changed["name#ar"]
    assert (await place.imported(changed)).tally.changed == 1
    after = await place.find("+447700900999")
    assert before is not None and after is not None
    assert after.id == before.id and after.state == "expired"
    assert await place.find("+447700000001") is None
    assert await place.find("9000111122223333") is None
    claims = await place.claims(changed["national_id"])
    assert claims["phone_number"] == "+447700900999" and "name#ar" not in claims


async def test_what_a_person_chose_outlives_an_import(place: Place) -> None:
    await place.imported(person(1, pin="271828"))
    found = await place.find("+447700000001")
    assert found is not None
    await place.database.submit(await place.residents.enrol(found.id, "pin", b"chosen", NOW))
    await place.database.submit(place.residents.lock(found.id, {"otp"}, NOW))
    await place.imported(person(1, pin="314159", nickname="P"))
    again = await place.find("+447700000001")
    assert again is not None and again.locked_factors == {"otp"}
    assert await place.residents.secret(found.id, "pin") == b"chosen"


async def test_a_handle_that_is_somebody_elses_costs_only_itself(place: Place) -> None:
    mother, child = person(1), person(2, phone_number="+447700000001", email="child@example.org")
    progress = await place.imported(mother, child)
    assert (progress.tally.added, progress.tally.partly) == (2, 1)
    assert [(each["line"], each["taken"]) for each in place.rejected()] == [(2, True)]
    assert (await place.claims("+447700000001"))["name"] == "Person 1"
    assert (await place.claims("child@example.org"))["phone_number"] == "+447700000001"
    await place.imported(person(1, phone_number="+447700900999"))
    assert (await place.imported(child)).tally.changed == 1
    assert (await place.claims("+447700000001"))["name"] == "Person 2"


async def test_a_virtual_number_that_is_somebody_elses_refuses_the_row(place: Place) -> None:
    number = {"virtual_ids": [{"number": "9000111122223333"}]}
    progress = await place.imported(person(1, **number), person(2, **number), person(3))
    assert (progress.tally.added, progress.tally.rejected) == (2, 1)
    assert place.rejected()[0]["line"] == 2
    assert await place.find(person(2)["national_id"]) is None
    again = await place.imported(person(4, **number))
    assert again.tally.rejected == 1


async def test_the_last_row_of_a_person_wins_within_a_file(place: Place) -> None:
    progress = await place.imported(person(1, name="First"), person(2), person(1, name="Last"))
    assert (progress.tally.added, progress.tally.changed) == (2, 1)
    assert (await place.claims("+447700000001"))["name"] == "Last"


async def test_bad_rows_are_listed_and_cost_no_other(place: Place) -> None:
    file = place.directory / "mixed.jsonl"
    file.write_bytes(
        lines(person(1))
        + b"not json\n"
        + lines({**person(2), "nmae": "x"}, {**person(3), "birthdate": "yesterday"}, person(4))
    )
    progress = await import_file(place.database, place.keys.door, file)
    assert (progress.tally.added, progress.tally.rejected) == (2, 3)
    assert place.rejected("mixed.jsonl") == [
        {"line": 2, "column": "", "reason": "not valid JSON", "taken": False},
        {
            "line": 3,
            "column": "",
            "reason": "unknown column nmae: did you mean name?",
            "taken": False,
        },
        {"line": 4, "column": "birthdate", "reason": "must be YYYY-MM-DD, or YYYY", "taken": False},
    ]
    assert await place.find("+447700000004") is not None


async def test_csv_and_json_lines_are_the_same_people(place: Place) -> None:
    file = place.directory / "people.csv"
    file.write_text(
        "national_id,name,name#ar,phone_number,email,verified_at,authority\n"
        + "".join(
            f"{p['national_id']},{p['name']},{p['name#ar']},{p['phone_number']},{p['email']},"
            f"{p['verified_at']},{p['authority']}\n"
            for p in (person(1), person(2))
        )
    )
    assert (await import_file(place.database, place.keys.door, file)).tally.added == 2
    assert (await place.imported(person(1), person(2))).tally.unchanged == 2


async def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """The second 10,000 rows need no more memory than the first."""
    servers.create_tables(f"sqlite:///{tmp_path}/many.db", metadata)
    database = await open_database(f"sqlite:///{tmp_path}/many.db")
    keys = await software_keys(tmp_path)
    file = tmp_path / "many.jsonl"
    with file.open("wb") as opened:
        for number in range(20_000):
            opened.write(lines({"national_id": person(number)["national_id"]}))
    resident_pages: list[int] = []

    def measure(progress: Progress) -> None:
        resident_pages.append(int(Path("/proc/self/statm").read_text().split()[1]))

    done = await importer(database, keys.door).run(Order.of(file), measure)
    await database.close()
    await keys.backend.close()
    assert done.tally.added == 20_000
    half, whole = resident_pages[len(resident_pages) // 2], resident_pages[-1]
    assert (whole - half) * os.sysconf("SC_PAGE_SIZE") < 12 * 1024 * 1024


def _copy(file: Path, place: Place) -> Path:
    copy = place.directory / file.name
    copy.write_bytes(file.read_bytes())
    return copy


async def test_a_stolen_copy_tells_no_number_telephone_or_name(tmp_path: Path) -> None:
    """Database, WAL and rejected rows hold nothing of what the rows say, before and after."""
    path = tmp_path / "stolen.db"
    servers.create_tables(f"sqlite:///{path}", metadata)
    database = await open_database(f"sqlite:///{path}")
    keys = await software_keys(tmp_path)
    file = tmp_path / "people.jsonl"
    rows = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    bad = [
        {**person(1), "birthdate": "Zebediah Quillfeather"},
        {**person(2), "Zebediah Quillfeather": "+447700900555"},
        {**person(3), "state": "Zebediah Quillfeather"},
    ]
    file.write_bytes(lines(*rows, *bad) + b'{"national_id": "4821009637", broken\n')
    progress = await import_file(database, keys.door, file)
    assert (progress.tally.added, progress.tally.rejected) == (40, 4)
    residents = id_store(database, keys.door)
    for row in rows:
        found = await residents.find(row["national_id"], NOW)
        assert found is not None
        await database.submit(residents.lock(found.id, {"otp"}, NOW))
    stolen = (
        b"".join(
            each.read_bytes() for each in tmp_path.iterdir() if each.name.startswith("stolen.db")
        )
        + (tmp_path / "people.jsonl.rejected.jsonl").read_bytes()
    )
    await database.close()
    await keys.backend.close()
    assert b"resident_identifier" in stolen  # the scan does read what is stored
    for secret in _secrets([*rows, *bad, {"national_id": "4821009637"}]):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in stolen, "something personal lies open"


def _secrets(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield every personal text of ``rows``, and each word of a name that is long enough."""
    for row in rows:
        for column, value in row.items():
            bare = column.partition("#")[0]
            if bare in ("name", "given_name", "family_name", "nickname"):
                yield from (word for word in [value, *value.split()] if len(word) > 4)
            elif bare in ("national_id", "phone_number", "email", "birthdate", "totp"):
                yield value
                yield value.removeprefix("+")
            elif bare == "virtual_ids":
                yield from (each["number"].replace(" ", "") for each in value)
            elif bare in ("handles",):
                yield from value
            elif bare == "address":
                yield from (part for part in value.values() if len(part) > 5)


async def test_what_was_erased_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "erased.db"
    servers.create_tables(f"sqlite:///{path}", metadata)
    database = await open_database(f"sqlite:///{path}")
    keys = await software_keys(tmp_path)
    await import_file(database, keys.door, _write(tmp_path, *(person(n) for n in range(50))))
    residents = id_store(database, keys.door)
    found = await residents.find("+447700000007", NOW)
    assert found is not None
    wrapped = select(tables.resident.c.wrapped_key).where(tables.resident.c.id == found.id)
    key = (await database.rows(Statement(wrapped)))[0][0]
    await database.submit(*(await residents.erase(found.id, NOW)).writes)
    await database.close()  # the last connection copies the WAL into the file
    await keys.backend.close()
    assert key not in path.read_bytes()
    assert not Path(f"{path}-wal").exists() or key not in Path(f"{path}-wal").read_bytes()


def _write(directory: Path, *rows: Mapping[str, Any]) -> Path:
    file = directory / "people.jsonl"
    file.write_bytes(lines(*rows))
    return file


class Crash(Exception):
    """Stands for the end of the process."""


async def test_an_import_goes_on_from_its_last_batch(place: Place) -> None:
    rows = [person(n, **({"birthdate": "x"} if n % 100 == 50 else {})) for n in range(1800)]
    file = _write(place.directory, *rows)
    reports: list[Progress] = []

    def crash(progress: Progress) -> None:
        reports.append(progress)
        if len(reports) == 3:
            raise Crash

    with pytest.raises(Crash):
        await importer(place.database, place.keys.door).run(Order.of(file), crash)
    rejected = place.directory / "people.jsonl.rejected.jsonl"
    with rejected.open("ab") as torn:
        torn.write(b'{"line": 1051, "colu')  # what a crash between file and commit leaves
    done = await import_file(place.database, place.keys.door, file)
    assert done.resumed == reports[-1].position > 0
    assert (done.tally.added, done.tally.rejected, done.tally.changed) == (1782, 18, 0)
    assert [each["line"] for each in place.rejected("people.jsonl")] == [*range(51, 1801, 100)]
    assert (await place.counts())[0] == 1782


@dataclass(slots=True)
class Deployment:
    """A directory with settings, a database and a key service of its own in another process."""

    directory: Path
    service: subprocess.Popen[bytes] = field(init=False)

    def symbolon(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            **more,
        )

    def command(self, *arguments: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "config.cli.main",
            "--settings",
            str(self.directory / "settings.toml"),
            *arguments,
        ]

    def start(self) -> None:
        """Write the settings, migrate, start the key service and wait for it."""
        (self.directory / "settings.toml").write_text(
            f"""
            [database]
            url = "sqlite:///{self.directory}/symbolon.db"
            timeout = 20.0
            [keys]
            sockets = "{self.directory}/run"
            database = "sqlite:///{self.directory}/keys.db"
            software_file = "{self.directory}/keys.enc"
            software_secret_file = "{self.directory}/keys.secret"
            software_allowed = true
            timeout = 20.0
            [factors.pin]
            memory = 64
            rounds = 1
            [pages]
            country_code = "44"
            """
        )
        secret = self.directory / "keys.secret"
        secret.write_text("a secret of the tests, long enough")
        secret.chmod(0o600)
        migrated = self.symbolon("migrate")
        assert migrated.returncode == 0, migrated.stderr
        self.service = subprocess.Popen(self.command("keys", "serve"), stderr=subprocess.PIPE)
        assert self.service.stderr is not None
        told = self.service.stderr.readline()
        assert b"listens" in told, told

    def stop(self) -> None:
        self.service.terminate()
        self.service.wait(20)
        assert self.service.stderr is not None
        self.service.stderr.close()


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    there = Deployment(tmp_path)
    there.start()
    yield there
    there.stop()


async def _end_state(deployment: Deployment) -> dict[str, Any]:
    """Return what everybody's claims are, read as the web server would."""
    database = await open_database(f"sqlite:///{deployment.directory}/symbolon.db")
    door = KeyServiceClient(
        socket_path(deployment.directory / "run", Role.OPERATOR), SystemClock(), deadline=20
    )
    residents = id_store(database, door)
    everybody = await database.rows(Statement(select(tables.resident.c.id)))
    state = {}
    for row in everybody:
        claims = {
            f"{a.name}#{a.locale}": a.value for a in await residents.attributes(row["id"], CLAIMS)
        }
        state[claims.pop("national_id#")] = claims
    identifiers = await database.rows(
        Statement(select(func.count()).select_from(tables.identifier))
    )
    await door.close()
    await database.close()
    return {"people": state, "identifiers": identifiers[0][0]}


@pytest.mark.server
async def test_kill_9_in_the_middle_and_again_ends_as_if_nothing_had_been(
    deployment: Deployment,
) -> None:
    rows = [person(n, **({"birthdate": "x"} if n % 400 == 7 else {})) for n in range(2600)]
    file = _write(deployment.directory, *rows)
    progress = Statement(select(tables.importing.c.position))
    watching = await open_database(f"sqlite:///{deployment.directory}/symbolon.db")
    killed, position = 0, 0
    for _ in range(2):
        running = subprocess.Popen(
            deployment.command("resident", "import", str(file)), stderr=subprocess.DEVNULL
        )
        while running.poll() is None:
            row = await watching.row(progress)
            if row is not None and row["position"] > position:
                position = row["position"]
                running.send_signal(signal.SIGKILL)
                running.wait(20)
                killed += running.returncode == -signal.SIGKILL
                break
    await watching.close()
    assert killed == 2 and 0 < position < file.stat().st_size
    done = deployment.symbolon("resident", "import", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert "Going on from line" in done.stderr
    counts = json.loads(done.stdout)
    assert (counts["added"], counts["rejected"], counts["changed"]) == (2593, 7, 0)
    state = await _end_state(deployment)
    good = [row for row in rows if "birthdate" not in row]
    assert state["identifiers"] == 3 * len(good)
    assert state["people"] == {
        row["national_id"]: {
            "name#": row["name"],
            "name#ar": row["name#ar"],
            "phone_number#": row["phone_number"],
            "email#": row["email"],
        }
        for row in good
    }
    rejected = (deployment.directory / "people.jsonl.rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in rejected] == [*range(8, 2601, 400)]


@pytest.mark.server
def test_an_operator_imports_shows_locks_and_erases(deployment: Deployment) -> None:
    file = _write(deployment.directory, person(1, pin="271828"), person(2))
    done = deployment.symbolon("resident", "import", str(file))
    assert done.stdout == "2 added, 0 changed, 0 unchanged, 0 rejected\n", done.stderr

    def shown(*more: str) -> dict[str, Any]:
        answer = deployment.symbolon("resident", "show", "-", "--json", *more, input="07700000001")
        assert answer.returncode == 0, answer.stderr
        return dict(json.loads(answer.stdout))

    plain = shown()
    assert plain["state"] == "active" and plain["enrolled"] == ["otp", "pin"]
    assert "Person 1" not in json.dumps(plain)
    assert "Person 1" in json.dumps(shown("--reveal"))
    number = person(1)["national_id"]
    for arguments, state, locked in (
        (("lock", number), "locked", []),
        (("unlock", number), "active", []),
        (("lock", number, "--factor", "pin", "--factor", "otp"), "active", ["otp", "pin"]),
    ):
        assert deployment.symbolon("resident", *arguments).returncode == 0
        now = shown()
        assert (now["state"], now["locked_factors"]) == (state, locked)
    again = deployment.symbolon("resident", "unlock", number)
    assert (again.returncode, again.stdout) == (1, "") and "only who is locked" in again.stderr
    erased = deployment.symbolon("resident", "erase", number, "--yes")
    assert json.loads(erased.stdout)["identifiers"] == 3
    gone = deployment.symbolon("resident", "show", number)
    assert gone.returncode == 1 and "nobody has this identifier" in gone.stderr
    assert number not in gone.stderr


@pytest.mark.server
def test_an_import_without_its_key_service_says_so(deployment: Deployment) -> None:
    file = _write(deployment.directory, person(1))
    os.rename(deployment.directory / "run", deployment.directory / "elsewhere")
    settings = deployment.directory / "settings.toml"
    settings.write_text(settings.read_text().replace("timeout = 20.0", "timeout = 0.5"))
    done = deployment.symbolon("resident", "import", str(file))
    assert done.returncode == 4 and "Traceback" not in done.stderr


@pytest.mark.server
def test_a_file_with_a_wrong_first_line_says_what_was_meant(deployment: Deployment) -> None:
    file = deployment.directory / "people.csv"
    file.write_text("national_id,nmae\n1001,A\n")
    done = deployment.symbolon("resident", "import", str(file))
    assert done.returncode == 1
    assert "column 2: unknown column nmae: did you mean name?" in done.stderr


async def test_one_import_can_wait_for_another(place: Place) -> None:
    """Two imports into one store, one after the other, with a clock that moves."""
    clock = StillClock()
    running = Importer.into(place.residents, FAST_PIN, clock)
    for number in range(3):
        clock.time += 60
        file = _write(place.directory, person(number))
        assert (await running.run(Order.of(file), lambda _: None)).tally.added == 1
