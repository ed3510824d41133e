"""Activations that were used are remembered for as long as they could be tried, and no longer."""

import pytest
from sqlalchemy import func, select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused, Statement
from keystore.stores.activations import MOST, forget, use, used_activation

NOW = 1_800_000_000
LONG_AGO = NOW - 3601


async def held(database: OpenDatabase) -> int:
    row = await database.row(Statement(select(func.count()).select_from(used_activation)))
    assert row is not None
    return int(row[0])


async def test_one_that_could_still_be_tried_is_remembered(database: OpenDatabase) -> None:
    await database.submit(use("fresh", NOW - 3600), use("old", LONG_AGO))
    await forget(database, NOW)
    assert await held(database) == 1
    with pytest.raises(Refused):
        await database.submit(use("fresh", NOW))


async def test_many_leave_in_bounded_units(database: OpenDatabase) -> None:
    await database.submit(*(use(f"j-{number}", LONG_AGO) for number in range(2 * MOST + 1)))
    await forget(database, NOW)
    assert await held(database) == 0
