"""Threads that take waiting work a batch at a time, so that one wake-up serves many callers.

The event loop only puts work into a queue and is told of a whole batch at once: the cost of
crossing threads is shared by all that wait (group commit for writes, the same for reads).
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from config.runtime.database.unit import DatabaseUnavailable

Work = Callable[[sqlite3.Connection], Any]

SWEEP = 0.25
"""Seconds between two looks for callers whose deadline has passed."""


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


def _settle(batch: list[Job]) -> None:
    for job in batch:
        job.settle()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``deadline`` in seconds; at most ``batch`` jobs are taken at once and ``queue`` wait."""

    deadline: float
    batch: int
    queue: int


class Lane:
    """A queue of jobs and the threads that serve it."""

    def __init__(self, name: str, sessions: list[Session], limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._pending: list[Job] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False
        self._threads = [
            Thread(target=self._serve, args=(session,), name=f"{name}-{number}", daemon=True)
            for number, session in enumerate(sessions)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, work: Work, patience: float = 1.0) -> asyncio.Future[Any]:
        """Return the future outcome of ``work``; raise DatabaseUnavailable if too many wait.

        ``patience`` multiplies the deadline, for work that is long by its nature.
        """
        if self._closed:
            raise DatabaseUnavailable("the database is closed")
        if self._queue.qsize() >= self._limits.queue:
            raise DatabaseUnavailable("too many wait for the database")
        deadline = self._loop.time() + self._limits.deadline * patience
        job = Job(work, self._loop.create_future(), deadline)
        self._queue.put(job)
        self._pending.append(job)
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP, self._give_up_overdue)
        return job.answer

    async def close(self) -> None:
        """Finish what waits, then end the threads."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            for thread in self._threads:
                await asyncio.to_thread(thread.join)
            if self._sweep is not None:
                self._sweep.cancel()

    def _give_up_overdue(self) -> None:
        now = self._loop.time()
        self._pending = [job for job in self._pending if not job.answer.done()]
        for job in self._pending:
            if job.deadline <= now:
                job.answer.set_exception(
                    DatabaseUnavailable("no answer in time; whether the unit happened is unknown")
                )
        again = bool(self._pending)
        self._sweep = self._loop.call_later(SWEEP, self._give_up_overdue) if again else None

    def _serve(self, session: Session) -> None:
        while (first := self._queue.get()) is not None:
            taken: list[Job] = []
            session.run(self._available(first, taken))
            if taken:
                with contextlib.suppress(RuntimeError):  # the loop is gone, and the callers with it
                    self._loop.call_soon_threadsafe(_settle, taken)
        self._queue.put(None)  # the next thread must see the end too
        session.close()

    def _available(self, first: Job, taken: list[Job]) -> Iterator[Job]:
        """Yield what waits now, and add it to ``taken``."""
        job: Job | None = first
        while job is not None:
            if not job.answer.done():
                taken.append(job)
                yield job
            if len(taken) >= self._limits.batch:
                return
            try:
                job = self._queue.get_nowait()
            except Empty:
                return
        self._queue.put(None)  # the end, to be seen once this batch is settled
