"""What the threads of an SQLite database do: a batch of units, or of reads, in one transaction."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from config.runtime.database.lanes import Job
from config.runtime.database.unit import DatabaseUnavailable

BEGIN_MILLISECONDS = 20
"""One wait of the writer for another process. Short, because SQLite's own back-off grows to 100 ms
a step; the writer asks again until its deadline."""

LOOK_UP_EVERY = 100_000
"""Steps of SQLite's machine (milliseconds) between two looks at a read's deadline."""

UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes that tell of the machine, not of the statement."""


class Options(Protocol):
    """The part of SqliteOptions that a session needs."""

    @property
    def deadline(self) -> float: ...
    @property
    def durable(self) -> bool: ...


def _code(failure: sqlite3.Error) -> int:
    """Return the primary result code, or SQLITE_ERROR when the driver gives none."""
    return getattr(failure, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _connect(path: Path, options: Options, busy_milliseconds: int) -> sqlite3.Connection:
    # Only the owner may read the file; SQLite gives its WAL the same mode. A file that is there is
    # never opened here: closing it again would drop every lock that this process holds on it
    # (fcntl(2)), and another process would then remove the WAL under us.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {busy_milliseconds}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if options.durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA secure_delete = ON")  # what was erased leaves the file
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -8000")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class _Session:
    """A connection that is made when it is needed, and made anew after it broke."""

    def __init__(self, path: Path, options: Options, busy_milliseconds: int) -> None:
        self._path = path
        self._options = options
        self._busy_milliseconds = busy_milliseconds
        self._connection: sqlite3.Connection | None = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connect(self._path, self._options, self._busy_milliseconds)
        return self._connection

    def _work(self, connection: sqlite3.Connection, job: Job) -> bool:
        """Do the job's work; return whether it failed by its own fault."""
        try:
            job.outcome = job.work(connection)
        except Exception as failure:
            if isinstance(failure, sqlite3.Error) and _code(failure) in UNAVAILABLE:
                raise
            job.failure = _plain(failure)
            return True
        return False

    def close(self) -> None:
        """Let go of the connection; a transaction that is open did not happen."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Writing(_Session):
    """The writer: BEGIN IMMEDIATE, every unit that waited, one COMMIT for all of them.

    Units are hardly ever refused, so they are run without savepoints at first: every statement is a
    time at which the interpreter's lock changes hands. If one fails, all are run again, each in a
    savepoint of its own.
    """

    def __init__(self, path: Path, options: Options) -> None:
        super().__init__(path, options, BEGIN_MILLISECONDS)

    def run(self, jobs: Iterator[Job]) -> None:
        """See Session.run."""
        taken: list[Job] = []
        try:
            if not self._together(jobs, taken):
                self._apart(taken)
        except (sqlite3.Error, OSError) as failure:
            self.close()
            for job in taken:
                job.failure = _unavailable(failure)

    def _together(self, jobs: Iterator[Job], taken: list[Job]) -> bool:
        """Make all units happen, or return False and make none happen."""
        connection: sqlite3.Connection | None = None
        for job in jobs:
            taken.append(job)
            connection = connection or self._begin()
            if self._work(connection, job):
                connection.execute("ROLLBACK")
                return len(taken) == 1  # then that is what came of it
        if connection is not None:
            connection.execute("COMMIT")
        return True

    def _apart(self, jobs: Iterable[Job]) -> None:
        """Make each unit happen or not, whatever becomes of those beside it."""
        connection = self._begin()
        for job in jobs:
            job.failure = None
            connection.execute("SAVEPOINT unit")
            if self._work(connection, job):
                connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")

    def _begin(self) -> sqlite3.Connection:
        """Begin a transaction, waiting for other processes until the deadline."""
        give_up = time.monotonic() + self._options.deadline
        while True:
            try:
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except sqlite3.Error as failure:
                if _code(failure) != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
                    raise
                time.sleep(0.001)


class Reading(_Session):
    """A reader. Each job sees a snapshot of its own, taken after it was asked."""

    def __init__(self, path: Path, options: Options) -> None:
        super().__init__(path, options, int(options.deadline * 1000))
        self._give_up = 0.0

    def run(self, jobs: Iterator[Job]) -> None:
        """See Session.run."""
        for job in jobs:
            try:
                connection = self._connected()
                self._give_up = time.monotonic() + self._options.deadline
                self._work(connection, job)
            except (sqlite3.Error, OSError) as failure:
                self.close()
                job.failure = _unavailable(failure)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            # A read whose caller has given up must not keep the thread.
            super()._connected().set_progress_handler(self._overdue, LOOK_UP_EVERY)
        return super()._connected()

    def _overdue(self) -> bool:
        return time.monotonic() >= self._give_up


def _unavailable(failure: Exception) -> DatabaseUnavailable:
    unavailable = DatabaseUnavailable(str(failure))
    unavailable.__cause__ = failure
    return unavailable


def _plain(failure: Exception) -> Exception:
    """Return what the contract promises for a value that cannot be stored, else the failure."""
    if isinstance(failure, OverflowError):
        return ValueError(str(failure))
    return failure
