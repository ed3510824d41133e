"""What a look-up of a resident costs as the store grows."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import cast

from config.runtime.database.connect import open_database
from config.runtime.entropy import SystemEntropy
from config.wiring.migrations import WEB, migrate
from idp.residents.embedded import EmbeddedResidents
from idp.residents.normalising import Kind, Numbering
from idp.residents.persons import Persons
from keystore.door import Door, Mac, MacPurpose

SMALL = 10_000
LOOKUPS = 1_000
ROUNDS = 9

_NUMBERS = "CREATE TEMP TABLE number (i INTEGER, k BLOB)"
_NUMBER = "INSERT INTO number VALUES (?, ?)"
_FILL = (
    "INSERT INTO resident SELECT 'r' || printf('%025d', i), 'active', '', 1, randomblob(76),"
    " 1, 1, randomblob(32) FROM number",
    "INSERT INTO resident_identifier SELECT k, 1, 'national', 'r' || printf('%025d', i), NULL,"
    " NULL FROM number ORDER BY k",
    "INSERT INTO resident_identifier SELECT randomblob(32), 1, 'handle', 'r' || printf('%025d', i),"
    " NULL, NULL FROM number",
    "INSERT INTO resident_attribute SELECT 'r' || printf('%025d', i), n, '', randomblob(120)"
    " FROM number, (SELECT 'birthdate' AS n UNION SELECT 'email' UNION SELECT 'name' UNION SELECT"
    " 'phone_number') ORDER BY 1, 2",
)


@dataclass(frozen=True, slots=True)
class Growth:
    """Microseconds of wall time of one look-up, by the number of residents."""

    small: int
    large: int
    small_us: float
    large_us: float

    @property
    def ratio(self) -> float:
        """Return how many times the small store's cost the large one's is."""
        return self.large_us / self.small_us


@dataclass(slots=True)
class NumberedHash:
    """A door that answers at once, so that only the look-up is measured.

    The keyed hash of a national number is what the rows were filled with.
    """

    async def macs(self, purpose: MacPurpose, messages: Sequence[bytes]) -> list[tuple[Mac, ...]]:
        """Return the hash under which the row of that number lies."""
        return [(Mac(1, _numbered(message)),) for message in messages]


def _numbered(message: bytes) -> bytes:
    kind, _, number = message.partition(b"\0")
    known = kind.decode() == Kind.NATIONAL
    return _lookup(int(number)) if known else sha256(message).digest()


def _lookup(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


async def measured(directory: Path, rows: int) -> Growth:
    """Fill a store of 10 thousand and one of ``rows`` residents, and look up in both in turn."""
    costs: dict[int, list[float]] = {SMALL: [], rows: []}
    async with AsyncExitStack() as stack:
        stores = {count: await _store(directory, count, stack) for count in costs}
        for turn in range(ROUNDS):
            for count, store in stores.items():
                step = count // LOOKUPS
                numbers = [index * step + turn % step for index in range(LOOKUPS)]
                costs[count].append(await _looked_up(store, numbers))
    return Growth(SMALL, rows, median(costs[SMALL]), median(costs[rows]))


async def _looked_up(store: EmbeddedResidents, numbers: Sequence[int]) -> float:
    begun = time.perf_counter()
    for number in numbers:
        found = await store.find(str(number), 1)
        assert found is not None, number
    return (time.perf_counter() - begun) / len(numbers) * 1e6


async def _store(directory: Path, count: int, stack: AsyncExitStack) -> EmbeddedResidents:
    file = directory / f"{count}.db"
    url = f"sqlite:///{file}"
    await asyncio.to_thread(migrate, url, WEB)
    await asyncio.to_thread(_fill, file, count)
    door: Door = cast(Door, NumberedHash())  # a look-up asks for nothing else
    database, entropy = await open_database(url), SystemEntropy()
    stack.push_async_callback(database.close)
    return EmbeddedResidents(
        database=database,
        door=door,
        persons=Persons(door, entropy),
        numbering=Numbering(country_code="999"),
    )


def _fill(file: Path, count: int) -> None:
    """Write rows of the shape that an import writes, in the order of their keys."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_NUMBERS)
        connection.executemany(_NUMBER, ((number, _lookup(number)) for number in range(count)))
        for statement in _FILL:
            connection.execute(statement)
