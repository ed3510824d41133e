"""Fixtures for journeys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.journeys.login_world import Site, site


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer, on SQLite and on PostgreSQL."""
    async with site(database, tmp_path) as running:
        yield running
