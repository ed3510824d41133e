"""Work on the event loop that takes turns: many small pieces, and nobody waits long for theirs."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

STRETCH = 0.004
"""Seconds of work in one turn of the event loop, whoever it is for; the last piece may exceed it.

What is finished in one turn leaves together, and what leaves together costs less: so a turn is no
shorter than it must be.
"""


@dataclass(frozen=True, slots=True)
class _Piece:
    work: Callable[..., Any]
    arguments: tuple[object, ...]
    done: "asyncio.Future[Any]"


class Turns:
    """Has pieces of work done, for a stretch in each turn of the event loop, as they came.

    ``spent`` tells how many seconds this thread has worked: what others do on the machine counts
    for nobody here.
    """

    def __init__(self, spent: Callable[[], float] = time.thread_time) -> None:
        self._spent = spent
        self._until = 0.0
        self._is_begun = False
        self._waiting: deque[_Piece] = deque()

    async def do(self, work: Callable[..., T], *arguments: object) -> T:
        """Return what ``work`` returns: a millisecond of work, or it belongs into a thread."""
        loop, at = asyncio.get_running_loop(), self._spent()
        if not self._is_begun:
            self._is_begun = True
            self._until = at + STRETCH
            loop.call_soon(self._begin)
        if self._waiting or at >= self._until:
            piece = _Piece(work, arguments, loop.create_future())
            self._waiting.append(piece)
            done: T = await piece.done
            return done
        return work(*arguments)

    def _begin(self) -> None:
        """Begin a turn with those who wait; what they leave is for whoever comes."""
        self._is_begun = bool(self._waiting)
        if not self._is_begun:
            return
        asyncio.get_running_loop().call_soon(self._begin)
        self._until = self._spent() + STRETCH
        while self._waiting and self._spent() < self._until:
            piece = self._waiting.popleft()
            if piece.done.done():  # its asker hung up
                continue
            try:
                piece.done.set_result(piece.work(*piece.arguments))
            except Exception as fault:  # for whoever asked, whatever it is
                piece.done.set_exception(fault)
