"""Bulkheads: how many requests of a kind may run at once, and how many may wait (R5).

One kind of work that is slow cannot take the whole server: what does not fit is told at once to
come back, while there is still time to do so.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Overloaded(Exception):
    """No room now: answered 503 with Retry-After. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("over budget")
        self.retry_after = retry_after


class Budget:
    """``limit`` requests run at once; ``queue`` more wait in order, each at most ``patience`` s."""

    __slots__ = ("_waiting", "limit", "name", "patience", "queue", "refused", "running")

    def __init__(self, name: str, limit: int, queue: int, patience: float = 2.0) -> None:
        self.name = name
        self.limit = limit
        self.queue = queue
        self.patience = patience
        self.running = 0
        self.refused = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Return how many wait for room."""
        return len(self._waiting)

    def enter(self) -> bool:
        """Take a place if one is free at once. Whoever got one calls ``leave`` at the end."""
        if self.running < self.limit:
            self.running += 1
            return True
        return False

    async def wait(self) -> None:
        """Wait in the queue for a place, or raise Overloaded: at once when the queue is full."""
        if len(self._waiting) >= self.queue:
            self.refused += 1
            raise Overloaded(1)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self.patience):
                await place
        except BaseException as end:
            if place.done() and not place.cancelled():
                self.leave()  # the place was given in the same moment: hand it on
            elif place in self._waiting:
                self._waiting.remove(place)
            if isinstance(end, TimeoutError):
                self.refused += 1
                raise Overloaded(2) from None
            raise

    def leave(self) -> None:
        """Give the place back: to whoever waits longest, else to nobody."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.running -= 1


class Place:
    """A place in a budget. It is for work: who waits for a client may leave it for so long."""

    __slots__ = ("_budget", "_taken")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken = False

    async def take(self) -> None:
        """Take the place, or raise Overloaded."""
        if not self._budget.enter():
            await self._budget.wait()
        self._taken = True

    def leave(self) -> None:
        """Give the place back, if it was taken."""
        if self._taken:
            self._taken = False
            self._budget.leave()

    @asynccontextmanager
    async def outside(self) -> AsyncIterator[None]:
        """Be outside meanwhile, and come in again, which may raise Overloaded."""
        if not self._taken:
            yield
            return
        self.leave()
        yield
        await self.take()
