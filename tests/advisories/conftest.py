"""An issuer with its pages, and a provider's machine endpoints: in process, on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.journeys.login_world import Site, site
from tests.keyrings import HandClock
from tests.oauth import Ground, Provider, provider


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """The whole issuer; a browser walks it."""
    async with site(database, tmp_path) as running:
        yield running


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """The machine endpoints."""
    made = await provider(Ground(database=database, directory=tmp_path, clock=HandClock()))
    yield made
    await made.http.aclose()
