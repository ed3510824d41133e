"""An authority of the present moment, because openssl judges by its own clock."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.authorities import AuthorityWorld, written


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """These tests are about octets: one kind of database is enough."""
    return str(request.param)


@pytest.fixture
async def world(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[AuthorityWorld]:
    """An authority that is ready, with its certificates in files."""
    made = await AuthorityWorld.opened(database, tmp_path, int(time.time()))
    written(tmp_path, made)
    yield made
    await made.keys.backends.close()
