"""Revisions lead to the very tables that the rooms declare, up and down, on both databases."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from config.runtime.database.connect import open_database
from config.runtime.database.engine import change_schema
from config.runtime.database.schema import metadata
from config.wiring.migrations import (
    BRANCHES,
    KEYSTORE,
    WEB,
    current,
    heads,
    is_current,
    migrate,
    plan,
)
from config.wiring.migrations.running import configured, downgrade
from config.wiring.migrations.tables import tables_of
from tests.servers import Postgresql

pytestmark = pytest.mark.long

REDRAFT = "python -m config.wiring.migrations.draft --help tells how to write a revision"


def tables_in(url: str) -> set[str]:
    found: set[str] = change_schema(url, lambda c: set(inspect(c).get_table_names()))
    return found


def names(*branches: str) -> set[str]:
    return {table.name for branch in branches for table in tables_of(branch)}


def differences(url: str) -> list[object]:
    for branch in BRANCHES:
        tables_of(branch)

    def act(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    found: list[object] = change_schema(url, act)
    return found


def test_every_declared_table_belongs_to_one_branch() -> None:
    listed = [table.name for branch in BRANCHES for table in tables_of(branch)]
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == set(metadata.tables)
    assert set(WEB) | set(KEYSTORE) == set(BRANCHES)


def test_revisions_are_numbered_one_after_another_in_their_branch() -> None:
    scripts = ScriptDirectory.from_config(configured())
    for branch, newest in heads().items():
        assert newest > 0
        for number in range(1, newest + 1):
            script = scripts.get_revision(f"{branch}_{number:04}")
            before = f"{branch}_{number - 1:04}" if number > 1 else None
            assert script.down_revision == before
            assert Path(script.path).name.startswith(f"{branch}_{number:04}_")
    assert set(scripts.get_heads()) == {f"{b}_{n:04}" for b, n in heads().items()}


def test_what_was_migrated_is_what_the_rooms_declare(empty_database_url: str) -> None:
    migrate(empty_database_url, BRANCHES)
    assert differences(empty_database_url) == [], REDRAFT
    assert names(*BRANCHES) <= tables_in(empty_database_url)


def test_up_down_and_up_again(empty_database_url: str) -> None:
    migrate(empty_database_url, BRANCHES)
    for branch in BRANCHES:
        downgrade(empty_database_url, branch)
    assert tables_in(empty_database_url) == {"alembic_version"}
    assert current(empty_database_url) == {}
    migrate(empty_database_url, BRANCHES)
    assert differences(empty_database_url) == []


def test_the_key_service_has_its_own_tables_only(empty_database_url: str) -> None:
    migrate(empty_database_url, KEYSTORE)
    assert tables_in(empty_database_url) == names(*KEYSTORE) | {"alembic_version"}


def test_the_plan_is_what_is_then_done(empty_database_url: str) -> None:
    assert current(empty_database_url) == {}
    planned = plan(empty_database_url)
    assert {step.branch for step in planned} == set(WEB)
    assert migrate(empty_database_url) == planned
    assert plan(empty_database_url) == []
    assert migrate(empty_database_url) == []
    assert current(empty_database_url) == {
        branch: f"{branch}_{number:04}" for branch, number in heads(WEB).items()
    }
    assert {step.branch for step in plan(empty_database_url, BRANCHES)} == {"keystore"}


async def test_a_server_knows_whether_its_database_is_current(empty_database_url: str) -> None:
    database = await open_database(empty_database_url)
    assert not await is_current(database, WEB)
    await asyncio.to_thread(migrate, empty_database_url, WEB)
    assert await is_current(database, WEB)
    assert not await is_current(database, KEYSTORE)
    await asyncio.to_thread(downgrade, empty_database_url, "idp")
    assert not await is_current(database, WEB)
    assert await is_current(database, ["runtime", "audit"])
    await database.close()


async def test_a_server_runs_on_a_database_that_is_ahead_of_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await asyncio.to_thread(migrate, empty_database_url, WEB)
    database = await open_database(empty_database_url)
    for branch in WEB:  # the program of the version before knows no revision yet
        (tmp_path / branch).mkdir()
    monkeypatch.setattr("config.wiring.migrations.VERSIONS", tmp_path)
    assert await is_current(database, WEB)
    (tmp_path / "idp" / "idp_9999_far_ahead.py").touch()
    assert not await is_current(database, WEB)
    await database.close()


def test_processes_that_migrate_at_once_do_not_collide(empty_database_url: str) -> None:
    program = "import sys; from config.wiring.migrations import *; print(len(migrate(sys.argv[1])))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    outcomes = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], outcomes
    done = sorted(int(out) for out, _ in outcomes)
    assert done[:2] == [0, 0] and done[2] == len(WEB)
    assert plan(empty_database_url) == []


def test_a_migration_that_fails_leaves_nothing(empty_database_url: str) -> None:
    def failing(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        change_schema(empty_database_url, failing)
    assert "half" not in tables_in(empty_database_url)


@pytest.mark.server
def test_a_deadlock_with_requests_does_not_fail_a_migration(
    postgresql_server: Postgresql,
) -> None:
    url = postgresql_server.create("deadlock")
    postgresql_server.run("deadlock", "CREATE TABLE a (id int); CREATE TABLE b (id int)")
    other = subprocess.Popen(
        [str(postgresql_server.binaries / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdin is not None and other.stdout is not None
    # Whoever looks for a deadlock first is ended by it: the other must never look.
    other.stdin.write(b"SET deadlock_timeout = '10min';\n")
    other.stdin.write(b"BEGIN; SELECT * FROM b; SELECT 'held';\n")
    other.stdin.flush()
    while b"held" not in other.stdout.readline():
        pass
    tries = []

    def act(connection: Connection) -> None:
        tries.append(1)
        connection.exec_driver_sql("ALTER TABLE a ADD COLUMN colour text")
        if len(tries) == 1:
            assert other.stdin is not None
            other.stdin.write(b"SELECT * FROM a; COMMIT;\n")
            other.stdin.close()
        connection.exec_driver_sql("ALTER TABLE b ADD COLUMN colour text")

    change_schema(url, act)
    assert other.wait(30) == 0 and len(tries) == 2
    other.stdout.close()
    change_schema(url, lambda c: c.exec_driver_sql("SELECT a.colour, b.colour FROM a, b"))
    postgresql_server.drop("deadlock")
