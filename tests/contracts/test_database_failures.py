"""Databases shared by processes, killed, filled up and cut off: nothing acknowledged is lost."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from config.runtime.database.connect import DatabaseOptions, OpenDatabase, open_database
from config.runtime.database.postgresql import PostgresqlOptions
from config.runtime.database.sqlite import SqliteOptions
from config.runtime.database.unit import DatabaseUnavailable, Refused, Statement
from tests.contracts.database_codes import (
    CODES,
    NOTES,
    TABLES,
    new_code,
    new_note,
    use,
)
from tests.servers import Postgresql, create_tables, postgresql_server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def codes_url(empty_database_url: str) -> str:
    create_tables(empty_database_url, TABLES)
    return empty_database_url


@pytest.fixture
def postgresql_codes(
    postgresql_server: Postgresql, database_number: Callable[[], int]
) -> Iterator[tuple[str, str]]:
    """The name and the address of a PostgreSQL database with the tables of these tests."""
    name = f"codes_{database_number()}"
    url = postgresql_server.create(name)
    create_tables(url, TABLES)
    yield name, url
    postgresql_server.drop(name)


@pytest.fixture
def own_server() -> Iterator[Postgresql]:
    """A PostgreSQL server that a test may restart without harm to others."""
    with postgresql_server() as server:
        yield server


def redeemer(url: str, name: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.database_codes", url, str(name), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


async def add_codes(url: str, count: int) -> None:
    database = await open_database(url)
    await asyncio.gather(*(database.submit(new_code(f"c{n}")) for n in range(count)))
    await database.close()


async def contents(url: str) -> tuple[dict[str, str | None], set[int]]:
    database = await open_database(url)
    used = {row["id"]: row["used_by"] for row in await database.rows(CODES)}
    notes = {row["id"] for row in await database.rows(NOTES)}
    await database.close()
    return used, notes


@pytest.mark.long
async def test_three_processes_redeem_each_code_once(codes_url: str) -> None:
    count = 600
    await add_codes(codes_url, count)
    processes = [redeemer(codes_url, name, count) for name in range(3)]
    printed = await asyncio.gather(
        *(asyncio.to_thread(process.communicate, timeout=60) for process in processes)
    )
    assert [process.returncode for process in processes] == [0, 0, 0]
    won = {
        int(line): str(name)
        for name, (out, _) in enumerate(printed)
        for line in out.splitlines()[1:]
    }
    assert sum(len(out.splitlines()) - 1 for out, _ in printed) == count
    used, notes = await contents(codes_url)
    assert used == {f"c{number}": name for number, name in won.items()}
    assert notes == {int(name) * 1_000_000 + number for number, name in won.items()}


@pytest.mark.long
async def test_a_killed_process_loses_nothing_that_it_acknowledged(codes_url: str) -> None:
    count = 3000
    await add_codes(codes_url, count)
    process = redeemer(codes_url, 0, count)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(300)][1:]
    process.kill()
    rest, _ = process.communicate()
    acknowledged += rest.splitlines(keepends=True)
    mine = {int(line) for line in acknowledged if line.endswith("\n")}
    assert 299 <= len(mine) < count
    async with asyncio.timeout(20):
        while True:  # a server may still be at work on what the dead one asked
            used, notes = await contents(codes_url)
            really = {int(code[1:]) for code, by in used.items() if by is not None}
            if notes == really:  # each unit happened whole or not at all
                break
            await asyncio.sleep(0.05)
    assert mine <= really


# SQLite


def sqlite_url(directory: Path) -> str:
    url = f"sqlite:///{directory / 'codes.db'}"
    create_tables(url, TABLES)
    return url


async def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(sqlite3.OperationalError):
        await database.rows(CODES)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await database.close()
    assert set(modes.values()) == {0o600}, modes


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path / 'missing' / 'codes.db'}")
    with pytest.raises(DatabaseUnavailable):
        await database.submit(new_code("a"))
    with pytest.raises(DatabaseUnavailable):
        await database.rows(CODES)
    (tmp_path / "missing").mkdir()
    create_tables(f"sqlite:///{tmp_path / 'missing' / 'codes.db'}", TABLES)
    await database.submit(new_code("a"))  # it comes back without a restart
    await database.close()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "codes.db").write_bytes(b"not a database" * 1000)
    database = await open_database(f"sqlite:///{tmp_path / 'codes.db'}")
    with pytest.raises(DatabaseUnavailable):
        await database.rows(CODES)
    with pytest.raises(DatabaseUnavailable):
        await database.submit(new_code("a"))
    await database.close()


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    import resource

    url = sqlite_url(tmp_path)
    database = await open_database(url)
    await database.submit(new_code("a"))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(DatabaseUnavailable):
            await database.submit(use("a"), new_note(1, bytes(500_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert [row["used_by"] for row in await database.rows(CODES)] == [None]
    await database.submit(use("a"), new_note(1))
    await database.close()


async def test_a_writer_elsewhere_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    options = DatabaseOptions(sqlite=SqliteOptions(deadline=0.3))
    database = await open_database(url, options)
    await database.submit(new_code("a"))
    other = sqlite3.connect(tmp_path / "codes.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable):
        await database.submit(use("a"))
    assert len(await database.rows(CODES)) == 1  # reading goes on
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(20):
        while True:  # the unit whose outcome was unknown may happen still, but only once
            try:
                await database.submit(use("a", "again"))
            except DatabaseUnavailable:
                continue
            except Refused:
                pass
            break
    assert [row["used_by"] is not None for row in await database.rows(CODES)] == [True]
    await database.close()


async def test_more_callers_than_may_wait_are_told_at_once(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    options = DatabaseOptions(sqlite=SqliteOptions(queue=10))
    database = await open_database(url, options)
    outcomes = await asyncio.gather(
        *(database.submit(new_code(str(n))) for n in range(200)), return_exceptions=True
    )
    told = [outcome for outcome in outcomes if isinstance(outcome, DatabaseUnavailable)]
    assert told
    assert len(await database.rows(CODES)) == 200 - len(told)
    await database.close()


async def test_the_loop_never_waits_for_the_disk(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    database = await open_database(url)
    await database.submit(new_code("a"))
    other = sqlite3.connect(tmp_path / "codes.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(database.submit(use("a")))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    await waiting
    await database.close()


@pytest.mark.long
async def test_a_slow_read_is_given_up_and_holds_back_no_other(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    options = DatabaseOptions(sqlite=SqliteOptions(deadline=0.3, readers=2))
    database = await open_database(url, options)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    statement = Statement(text(endless + "SELECT count(*) FROM n"))
    slow = asyncio.create_task(database.rows(statement))
    await asyncio.sleep(0)
    while not slow.done():
        await database.rows(CODES)
    with pytest.raises(DatabaseUnavailable):
        await slow
    for _ in range(4):  # its thread is free again
        with pytest.raises(DatabaseUnavailable):
            await database.rows(statement)
    assert await database.rows(CODES) == []
    await database.close()


async def test_a_commit_waits_for_the_disk_unless_a_benchmark_asks_otherwise(
    tmp_path: Path,
) -> None:
    for durable, level in ((True, 2), (False, 0)):
        options = DatabaseOptions(sqlite=SqliteOptions(durable=durable))
        database = await open_database(f"sqlite:///{tmp_path / 'codes.db'}", options)
        (row,) = await database.rows(Statement(text("PRAGMA synchronous")))
        assert row[0] == level
        await database.close()


@pytest.mark.parametrize("url", ["sqlite:codes.db", "sqlite://host/x", "mysql://x", "codes.db"])
async def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        await open_database(url)


# PostgreSQL


async def until_available(database: OpenDatabase) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await database.rows(CODES)
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.server
async def test_a_server_that_is_away_is_unavailable_and_comes_back(own_server: Postgresql) -> None:
    url = own_server.create("codes")
    create_tables(url, TABLES)
    database = await open_database(url)
    await database.submit(new_code("a"))
    own_server.stop(signal.SIGQUIT)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await database.submit(use("a"))
        with pytest.raises(DatabaseUnavailable):
            await database.rows(CODES)
    await asyncio.to_thread(own_server.start, own_server.ready)
    await until_available(database)
    await database.submit(use("a"))
    await database.close()


@pytest.mark.server
async def test_a_server_that_crashes_under_load_loses_nothing_acknowledged(
    own_server: Postgresql,
) -> None:
    url = own_server.create("codes")
    create_tables(url, TABLES)
    database = await open_database(url)
    acknowledged: set[str] = set()
    unknown = 0
    stop = asyncio.Event()

    async def write(worker: int) -> None:
        nonlocal unknown
        number = 0
        while not stop.is_set():
            number += 1
            code = f"{worker}-{number}"
            try:
                await database.submit(new_code(code))
            except DatabaseUnavailable:
                unknown += 1
                await asyncio.sleep(0.01)
            else:
                acknowledged.add(code)

    writers = [asyncio.create_task(write(worker)) for worker in range(8)]
    for _ in range(2):
        before = len(acknowledged)
        async with asyncio.timeout(30):
            while len(acknowledged) < before + 200:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(own_server.restart)
    stop.set()
    await asyncio.gather(*writers)
    await until_available(database)
    found = {row["id"] for row in await database.rows(CODES)}
    assert unknown > 0
    assert acknowledged <= found
    await database.close()


@pytest.mark.server
async def test_a_lock_that_somebody_holds_is_waited_for_until_the_deadline(
    postgresql_server: Postgresql, postgresql_codes: tuple[str, str]
) -> None:
    _, url = postgresql_codes
    options = DatabaseOptions(postgresql=PostgresqlOptions(deadline=0.3, connections=2))
    database = await open_database(url, options)
    await database.submit(new_code("a"))
    holder = subprocess.Popen(
        [str(postgresql_server.binaries / "psql"), "-X", "-q", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdin.write(b"BEGIN; LOCK TABLE codes; SELECT 'held';\n")
    holder.stdin.flush()
    while b"held" not in holder.stdout.readline():
        pass
    outcomes = await asyncio.gather(
        *(database.submit(use("a", str(n)), new_note(n)) for n in range(6)),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, DatabaseUnavailable) for outcome in outcomes)
    holder.communicate(b"ROLLBACK;\n")
    await until_available(database)
    await database.submit(use("a", "at last"), new_note(1))
    await database.close()


@pytest.mark.server
async def test_a_unit_that_is_chosen_to_end_a_deadlock_is_tried_again(
    postgresql_server: Postgresql, postgresql_codes: tuple[str, str]
) -> None:
    _, url = postgresql_codes
    database = await open_database(url)
    await database.submit(new_code("a"), new_code("b"))
    other = subprocess.Popen(
        [str(postgresql_server.binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdin is not None and other.stdout is not None
    # Whoever looks for a deadlock first is ended by it: the other must never look.
    other.stdin.write(b"SET deadlock_timeout = '10min';\n")
    other.stdin.write(b"BEGIN; UPDATE codes SET used_by = 'other' WHERE id = 'b' RETURNING id;\n")
    other.stdin.flush()
    while other.stdout.readline().strip() != b"b":
        pass
    ours = asyncio.create_task(database.submit(use("a", "ours"), use("b", "ours")))
    waiting = Statement(
        text(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )
    while not await database.rows(waiting):
        await asyncio.sleep(0.01)
    # Now each waits for the other, and the server ends ours.
    other.stdin.write(b"UPDATE codes SET used_by = 'other' WHERE id = 'a'; COMMIT;\n")
    other.stdin.close()
    await ours
    assert await asyncio.to_thread(other.wait) == 0
    other.stdout.close()
    assert {row["used_by"] for row in await database.rows(CODES)} == {"ours"}
    await database.close()


@pytest.mark.server
async def test_no_connection_is_lost_to_callers_who_give_up(
    postgresql_codes: tuple[str, str],
) -> None:
    _, url = postgresql_codes
    options = DatabaseOptions(postgresql=PostgresqlOptions(connections=2))
    database = await open_database(url, options)
    for turn in range(40):
        tasks = [asyncio.create_task(database.rows(CODES)) for _ in range(6)]
        for _ in range(turn % 7):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(60):
        await asyncio.gather(*(database.rows(CODES) for _ in range(20)))
    await database.close()


@pytest.mark.server
async def test_units_work_without_prepared_statements(
    postgresql_codes: tuple[str, str],
) -> None:
    _, url = postgresql_codes
    options = DatabaseOptions(postgresql=PostgresqlOptions(prepared=False))
    database = await open_database(url, options)
    await database.submit(new_code("a"), new_note(1))
    with pytest.raises(Refused):
        await database.submit(use("b"), new_note(2))
    assert len(await database.rows(NOTES)) == 1
    await database.close()


@pytest.mark.server
async def test_the_host_that_takes_writes_is_found_among_several(
    postgresql_codes: tuple[str, str],
) -> None:
    _, url = postgresql_codes
    hosts = url.replace("host=", "host=/missing,") + "&target_session_attrs=read-write"
    database = await open_database(hosts)
    await database.submit(new_code("a"))
    assert len(await database.rows(CODES)) == 1
    await database.close()


@pytest.mark.server
async def test_a_table_that_changed_its_shape_is_read_anew(
    postgresql_server: Postgresql, postgresql_codes: tuple[str, str]
) -> None:
    name, url = postgresql_codes
    database = await open_database(url)
    await database.submit(new_code("a"), new_note(1))
    await database.rows(CODES)
    postgresql_server.run(name, "ALTER TABLE codes ADD COLUMN more text")
    assert len(await database.rows(CODES)) == 1
    await database.submit(use("a"), new_note(2))
    await database.close()


@pytest.mark.server
def test_the_tests_leave_no_server_behind() -> None:
    with postgresql_server() as server:
        directory, pid = server.directory, server.process.pid
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
