"""The pool of PostgreSQL connections: none is lost, none is shared, none is used when broken."""

import asyncio
from typing import Any

import pytest

from config.runtime.database.connections import Connections
from config.runtime.database.unit import DatabaseUnavailable


class Line:
    """As much of a driver's connection as the pool touches."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True

    async def close(self, timeout: float) -> None:
        self.closed = True


def pool(limit: int, made: list[Line], deadline: float = 5.0) -> Connections:
    async def connect() -> Any:
        made.append(Line())
        return made[-1]

    return Connections(connect, limit, deadline)


async def test_a_connection_is_used_again() -> None:
    made: list[Line] = []
    connections = pool(2, made)
    for _ in range(3):
        connections.release(await connections.acquire())
    assert len(made) == 1


async def test_no_more_connections_than_the_limit_are_made_and_none_is_shared() -> None:
    made: list[Line] = []
    connections = pool(3, made)
    in_use: set[int] = set()

    async def work() -> None:
        line = await connections.acquire()
        assert id(line) not in in_use
        in_use.add(id(line))
        await asyncio.sleep(0)
        in_use.remove(id(line))
        connections.release(line)

    await asyncio.gather(*(work() for _ in range(50)))
    assert len(made) == 3


async def test_who_is_handed_a_connection_and_has_gone_passes_it_on() -> None:
    connections = pool(1, [])
    line = await connections.acquire()
    gone = asyncio.create_task(connections.acquire())
    await asyncio.sleep(0)
    connections.release(line)  # it is handed over in this instant ...
    gone.cancel()  # ... and nobody is there
    await asyncio.gather(gone, return_exceptions=True)
    async with asyncio.timeout(20):
        assert await connections.acquire() is line


async def test_who_waits_longer_than_the_deadline_is_told() -> None:
    connections = pool(1, [], deadline=0.01)
    line = await connections.acquire()
    with pytest.raises(DatabaseUnavailable):
        await connections.acquire()
    connections.release(line)
    assert await connections.acquire() is line


async def test_a_broken_connection_is_replaced() -> None:
    made: list[Line] = []
    connections = pool(1, made)
    line = await connections.acquire()
    waiting = asyncio.create_task(connections.acquire())
    await asyncio.sleep(0)
    connections.discard(line)
    other = await waiting
    assert other is not line
    connections.release(other)
    other.terminate()  # broken while idle
    assert await connections.acquire() not in (line, other)
    assert len(made) == 3


async def test_a_connection_that_cannot_be_made_leaves_room_for_the_next() -> None:
    attempts = 0

    async def connect() -> Any:
        nonlocal attempts
        attempts += 1
        if attempts <= 3:
            raise DatabaseUnavailable("away")
        return Line()

    connections = Connections(connect, 1, 1.0)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await connections.acquire()
    await connections.acquire()


async def test_a_closed_pool_answers_who_waits() -> None:
    made: list[Line] = []
    connections = pool(1, made)
    line = await connections.acquire()
    waiting = asyncio.create_task(connections.acquire())
    await asyncio.sleep(0)
    await connections.close()
    with pytest.raises(DatabaseUnavailable):
        await waiting
    connections.release(line)
    assert made[0].closed
