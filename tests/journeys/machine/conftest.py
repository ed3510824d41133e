"""One provider with one resident, on each kind of database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.keyrings import HandClock
from tests.oauth import Ground, Provider, provider


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider whose clock is moved by hand."""
    made = await provider(Ground(database=database, directory=tmp_path, clock=HandClock()))
    yield made
    await made.http.aclose()
