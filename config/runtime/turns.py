"""Work on the event loop that takes turns: many small pieces, and nobody waits long for theirs."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STRETCH = 4
"""Pieces that follow one another at once where nobody else has any."""


class Turns:
    """Has pieces of work done, those of several askers in one turn of the event loop each."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()  # whoever waits for it is woken in a later turn
        self._done = 0

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Return what ``work`` returns: a millisecond of work, or it belongs into a thread."""
        async with self._turn:
            self._done += 1
            if self._done % STRETCH == 0:
                await asyncio.sleep(0)
            return work(*arguments)
