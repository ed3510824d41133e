"""Work on the event loop that takes turns: many small pieces, and nobody waits long for theirs."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STRETCH = 4
"""Pieces in one turn of the event loop, whoever they are for: some milliseconds."""


class Turns:
    """Has pieces of work done, so many in each turn of the event loop, in the order they came."""

    def __init__(self) -> None:
        self._left = STRETCH
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Return what ``work`` returns: a millisecond of work, or it belongs into a thread."""
        loop = asyncio.get_running_loop()
        if self._left == 0:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            if self._left == STRETCH:
                loop.call_soon(self._begin)
            self._left -= 1
        return work(*arguments)

    def _begin(self) -> None:
        """Begin a turn with those who wait; what they leave is for whoever comes."""
        self._left = STRETCH
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():  # its asker may have hung up
                turn.set_result(None)
                self._left -= 1
        if self._left < STRETCH:
            asyncio.get_running_loop().call_soon(self._begin)
