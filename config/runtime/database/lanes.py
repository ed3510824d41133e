"""Threads that take waiting work a batch at a time, so that one wake-up serves many callers.

The event loop wakes one thread at the end of a turn for all that was asked in it, and is told of
the whole batch at once: the cost of crossing threads is shared by all that wait (group commit for
writes, the same for reads). A second thread is woken only when the first is held up, as threads
that run at once only wait for one another's interpreter lock.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from config.runtime.database.unit import DatabaseUnavailable

Work = Callable[[sqlite3.Connection], Any]

SWEEP = 0.25
"""Seconds between two looks for callers whose deadline has passed."""

HELD_UP = 0.005
"""Seconds that work waits for a thread that is at work already before another one is woken."""


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work, the caller who waits for it, and what came of it."""

    work: Work
    answer: asyncio.Future[Any]
    deadline: float
    outcome: Any = None
    failure: Exception | None = None

    def settle(self) -> None:
        """Tell the caller, if it still waits."""
        if self.answer.done():
            return
        if self.failure is not None:
            self.answer.set_exception(self.failure)
        else:
            self.answer.set_result(self.outcome)


class Session(Protocol):
    """What one thread does with a batch, on a connection of its own."""

    def run(self, jobs: Iterator[Job]) -> None:
        """Do each job's work and note its outcome or failure; never raise.

        A job is taken from ``jobs`` only when it is begun: until then any thread may take it.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``deadline`` in seconds; at most ``batch`` jobs are taken at once and ``queue`` wait."""

    deadline: float
    batch: int
    queue: int


@dataclass(slots=True, eq=False)
class _Server:
    """A thread, the bell that wakes it (False: for the last time), and what it has in hand."""

    session: Session
    bell: SimpleQueue[bool]
    taken: list[Job]


class Lane:
    """Jobs that wait, and the threads that serve them. Only the event loop wakes a thread."""

    def __init__(self, name: str, sessions: list[Session], limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._waiting: deque[Job] = deque()
        self._handing_over = False
        self._watch: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._servers = [_Server(session, SimpleQueue(), []) for session in sessions]
        self._idle = self._servers[::-1]
        self._threads = [
            Thread(target=self._serve, args=(server,), name=f"{name}-{number}", daemon=True)
            for number, server in enumerate(self._servers)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, work: Work, patience: float = 1.0) -> asyncio.Future[Any]:
        """Return the future outcome of ``work``; raise DatabaseUnavailable if too many wait.

        ``patience`` multiplies the deadline, for work that is long by its nature.
        """
        if self._closed:
            raise DatabaseUnavailable("the database is closed")
        if len(self._waiting) >= self._limits.queue:
            raise DatabaseUnavailable("too many wait for the database")
        deadline = self._loop.time() + self._limits.deadline * patience
        job = Job(work, self._loop.create_future(), deadline)
        self._waiting.append(job)
        if not self._handing_over:
            self._handing_over = True
            self._loop.call_soon(self._hand_over)
        return job.answer

    async def close(self) -> None:
        """Finish what waits, then end the threads."""
        if not self._closed:
            self._closed = True
            for server in self._servers:
                server.bell.put(False)
            for thread in self._threads:
                await asyncio.to_thread(thread.join)
            for timer in (self._sweep, self._watch):
                if timer is not None:
                    timer.cancel()

    def _hand_over(self) -> None:
        """Wake a thread for what was asked in this turn, or see that the one at work gets to it."""
        self._handing_over = False
        if len(self._idle) == len(self._servers):
            self._wake()
        elif self._watch is None and self._idle and self._waiting:
            first = self._waiting[0]
            self._watch = self._loop.call_later(HELD_UP, self._relieve, first)
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP, self._give_up_overdue)

    def _wake(self) -> None:
        """Wake the thread that was at work last: its connection remembers most."""
        if self._waiting and self._idle:
            self._idle.pop().bell.put(True)

    def _relieve(self, first: Job) -> None:
        """Wake one more thread if ``first`` still waits."""
        self._watch = None
        if not self._waiting:
            return
        if self._waiting[0] is first:
            self._wake()
        self._hand_over()

    def _settle(self, server: _Server, batch: list[Job]) -> None:
        """Tell the callers of ``batch``; its thread is idle from now on."""
        for job in batch:
            job.settle()
        self._idle.append(server)
        self._wake()

    def _give_up_overdue(self) -> None:
        now = self._loop.time()
        unsettled = list(self._waiting)
        for server in self._servers:
            unsettled += server.taken
        for job in unsettled:
            if job.deadline <= now and not job.answer.done():
                job.answer.set_exception(
                    DatabaseUnavailable("no answer in time; whether the unit happened is unknown")
                )
        again = bool(unsettled)
        self._sweep = self._loop.call_later(SWEEP, self._give_up_overdue) if again else None

    def _serve(self, server: _Server) -> None:
        going = True
        while going or self._waiting:
            going = going and server.bell.get()
            server.session.run(self._available(server.taken))
            batch, server.taken = server.taken, []
            with contextlib.suppress(RuntimeError):  # the loop is gone, and the callers with it
                self._loop.call_soon_threadsafe(self._settle, server, batch)
        server.session.close()

    def _available(self, taken: list[Job]) -> Iterator[Job]:
        """Yield what waits, and add it to ``taken``, until nothing waits or it is a batch."""
        while len(taken) < self._limits.batch:
            try:
                job = self._waiting.popleft()
            except IndexError:
                return
            if not job.answer.done():
                taken.append(job)
                yield job
