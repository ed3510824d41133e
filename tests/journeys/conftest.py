"""Fixtures for journeys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from idp.stores.clients import Clients
from tests.journeys.devices import TELEVISION, Device
from tests.journeys.login_world import Site, site


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer, on SQLite and on PostgreSQL."""
    async with site(database, tmp_path) as running:
        yield running


@pytest.fixture
async def device(here: Site) -> Device:
    """A television in front of the issuer."""
    await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
    return Device(here)
