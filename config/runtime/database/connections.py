"""A small pool of PostgreSQL connections: last in, first out; a broken one is replaced.

asyncpg's own pool resets a connection with a round trip at each release; nothing here changes a
session's state, so nothing has to be reset.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import asyncpg

from config.runtime.database.unit import DatabaseUnavailable

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Connections:
    """At most ``limit`` connections; who waits longer than ``deadline`` seconds is told so."""

    def __init__(self, connect: Connect, limit: int, deadline: float) -> None:
        self._connect = connect
        self._limit = limit
        self._deadline = deadline
        self._idle: list[asyncpg.Connection] = []
        self._waiters: deque[asyncio.Future[asyncpg.Connection | None]] = deque()
        self._count = 0
        self._closed = False

    async def acquire(self) -> asyncpg.Connection:
        """Return a connection for the caller alone; give it back with release or discard."""
        while True:
            if self._closed:
                raise DatabaseUnavailable("the database is closed")
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._count -= 1
            if self._count < self._limit:
                return await self._new()
            waited = await self._wait()
            if waited is not None:
                return waited

    def release(self, connection: asyncpg.Connection) -> None:
        """Give back a connection that is fit to be used again."""
        if self._closed or connection.is_closed():
            self.discard(connection)
        elif not self._hand_over(connection):
            self._idle.append(connection)

    def discard(self, connection: asyncpg.Connection) -> None:
        """Give back a connection whose state is not known: it is cut."""
        connection.terminate()
        self._count -= 1
        self._hand_over(None)

    async def close(self) -> None:
        """Close what is idle; what is in use is cut when it comes back."""
        self._closed = True
        while self._waiters:
            self._hand_over(None)
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.close(timeout=self._deadline)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _new(self) -> asyncpg.Connection:
        self._count += 1
        try:
            return await self._connect()
        except BaseException:
            self._count -= 1
            self._hand_over(None)
            raise

    async def _wait(self) -> asyncpg.Connection | None:
        waiter: asyncio.Future[asyncpg.Connection | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(self._deadline):
                return await waiter
        except BaseException as gone:
            # It may have been handed a connection in the instant in which it stopped waiting.
            if waiter.done() and not waiter.cancelled():
                handed = waiter.result()
                self.release(handed) if handed is not None else self._hand_over(None)
            if isinstance(gone, TimeoutError):
                raise DatabaseUnavailable("every database connection is in use") from gone
            raise

    def _hand_over(self, connection: asyncpg.Connection | None) -> bool:
        """Wake the first who still waits; None tells it that there is room for a new one."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
