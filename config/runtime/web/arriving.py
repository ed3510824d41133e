"""Bodies that are still on their way: at which pace they come, and how much of them at once (R5).

A line may be slow as long as it goes on; who holds up the others by being slow may not.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from config.runtime.malformed import Malformed
from config.runtime.web.budget import Overloaded

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY_SECONDS = 10.0
"""So long a body may pause, and so long it may take beside what its pace allows."""

SLOWEST = 65_536
"""Octets in a second that a body has to come with that keeps a place, or when many come."""

PATIENT = 8_192
"""The same while there is room: what a poor line carries."""

SHORT = 65_536
"""Octets of each body that are not counted: any request may have so many."""

MOST = 512 * 1024 * 1024
"""Octets of long bodies that are held at once."""


class Disconnected(Exception):
    """The client went away before its body was here; there is nobody to answer."""


class Arrivals:
    """The long bodies that come to one server, in octets that came: ``most`` at once.

    One address has half of them at most; and when half are taken nobody may be slow any more.
    """

    __slots__ = ("_by_address", "_most")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._by_address: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Return how many octets are held."""
        return self._by_address.total()

    def pace(self) -> int:
        """Return with how many octets in a second bodies have to come now."""
        return PATIENT if self.held * 2 <= self._most else SLOWEST

    @contextmanager
    def body(self, address: str) -> Iterator[Callable[[int], None]]:
        """Count a body from ``address`` by what is yielded: it takes how many octets came more.

        That raises Overloaded when they are too many. At the end the body is somebody else's.
        """
        size = counted = 0

        def grown(more: int) -> None:
            nonlocal size, counted
            size += more
            new = max(size - SHORT, 0) - counted
            here = self._by_address[address] + new
            if new and (self.held + new > self._most or here * 2 > self._most):
                raise Overloaded(5)
            self._by_address[address] = here
            counted += new

        try:
            yield grown
        finally:
            self._by_address[address] -= counted
            if not self._by_address[address]:
                del self._by_address[address]


def unhindered() -> int:
    """Return the pace of bodies that keep a place."""
    return SLOWEST


def clock_of() -> Callable[[], float]:
    """Return the clock of the loop that runs."""
    return asyncio.get_running_loop().time


async def paced(receive: Receive, limit: int, pace: Callable[[], int]) -> AsyncIterator[bytes]:
    """Yield a body as it comes, or raise Malformed (413 above ``limit``, 408) or Disconnected.

    It may pause for BODY_SECONDS, and take so long beside what ``pace`` (octets in a second, which
    may change) allows: what we take ourselves between two pieces does not count.
    """
    time, size, waited, more = clock_of(), 0, 0.0, True
    while more:
        asked = time()
        left = min(BODY_SECONDS, BODY_SECONDS + size / pace() - waited)
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise Malformed("the body did not arrive in time", 408) from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        waited += time() - asked
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise Malformed("the body is too large", 413)
        more = bool(message.get("more_body"))
        if piece:
            yield piece
