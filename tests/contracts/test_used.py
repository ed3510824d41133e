"""What may be used once is used once, on every database and from every process."""

import asyncio

import pytest

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Refused, Write
from idp.stores.restoration import restored
from idp.stores.used import Used
from tests.servers import PATIENT

NOW = 1_800_000_000


async def happens(database: OpenDatabase, write: Write) -> bool:
    try:
        await database.submit(write)
    except Refused:
        return False
    return True


@pytest.mark.attack("A19")
async def test_of_64_uses_at_once_exactly_one_happens(
    database: OpenDatabase, database_url: str
) -> None:
    other = await open_database(database_url, PATIENT)
    used = Used()
    won = await asyncio.gather(
        *(
            happens((database, other)[n % 2], used.once("assertion", "c", "jti", NOW, NOW))
            for n in range(64)
        )
    )
    assert won.count(True) == 1
    await other.close()


async def test_equal_values_of_different_things_never_meet(database: OpenDatabase) -> None:
    used = Used()
    different = [
        ("a", "b", "c"),
        ("a", "bc", ""),
        ("ab", "", "c"),
        ("a", "b", "d"),
        ("a", "c", "b"),
    ]
    for room, owner, value in different:
        assert await happens(database, used.once(room, owner, value, NOW, NOW))
    for room, owner, value in different:
        assert not await happens(database, used.once(room, owner, value, NOW, NOW))


async def test_what_was_good_before_a_restoration_is_refused_after_it(
    database: OpenDatabase,
) -> None:
    used = Used()
    await database.submit(*restored(NOW))
    assert not await happens(database, used.once("a", "b", "old", NOW + 600, NOW - 1))
    assert not await happens(database, used.once("a", "b", "as old", NOW + 600, NOW))
    assert await happens(database, used.once("a", "b", "new", NOW + 600, NOW + 1))
    assert not await happens(database, used.once("a", "b", "new", NOW + 600, NOW + 1))


async def test_what_expired_is_forgotten(database: OpenDatabase) -> None:
    used = Used()
    assert await happens(database, used.once("a", "b", "c", NOW, NOW))
    await database.submit(used.prune(NOW - 1, 10))
    assert not await happens(database, used.once("a", "b", "c", NOW, NOW))
    await database.submit(used.prune(NOW, 10))
    assert await happens(database, used.once("a", "b", "c", NOW, NOW))
