"""Fixtures for every test: a database of one's own on each adapter, and a Redis.

``database`` runs a test once on SQLite and once on PostgreSQL, each time on a fresh database that
has every table declared on ``config.runtime.database.schema.metadata`` by the modules that the
collected tests import. Servers are started at their first use, once per pytest process (one per
xdist worker).
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.schema import metadata
from tests import servers

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)]
"""Parameters for a fixture or test that runs on both kinds of database."""


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[servers.Postgresql]:
    """A PostgreSQL server for the whole session; create databases of your own in it."""
    with servers.postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.Redis]:
    """A Redis server for the whole session; ``redis_url`` empties it for a test."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: servers.Redis) -> str:
    """The address of an empty Redis."""
    redis_server.empty()
    return redis_server.url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    servers.create_tables(f"sqlite:///{path}", metadata)
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: servers.Postgresql) -> str:
    """The name of a PostgreSQL database with every table, to be copied."""
    servers.create_tables(postgresql_server.create("template_symbolon"), metadata)
    return "template_symbolon"


@pytest.fixture(scope="session")
def database_number() -> Callable[[], int]:
    """Numbers for databases, each given once."""
    return count().__next__


@pytest.fixture(params=BOTH)
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database that this run of the test is about."""
    return str(request.param)


@pytest.fixture
def empty_database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The address of a database without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: servers.Postgresql = request.getfixturevalue("postgresql_server")
        name = f"empty_{request.getfixturevalue('database_number')()}"
        yield server.create(name)
        server.drop(name)


@pytest.fixture(scope="session")
def spare_databases() -> list[str]:
    """Databases that have every table and no row again: emptying one is quicker than making it."""
    return []


@pytest.fixture
def database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The address of a database that has every table and no row."""
    if database_kind == "sqlite":
        path = tmp_path / "symbolon.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        spare: list[str] = request.getfixturevalue("spare_databases")
        server: servers.Postgresql = request.getfixturevalue("postgresql_server")
        if spare:
            name = spare.pop()
            yield server.url(name)
        else:
            name = f"test_{request.getfixturevalue('database_number')()}"
            yield server.create(name, request.getfixturevalue("postgresql_template"))
        server.empty(name)
        spare.append(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[OpenDatabase]:
    """An open database that has every table and no row, on SQLite and on PostgreSQL."""
    opened = await open_database(database_url, servers.PATIENT)
    yield opened
    await opened.close()
