"""SQLite behind the door: one writer thread with group commit, and readers that never block it.

All units that wait are run in one transaction, each in a savepoint of its own, and made durable by
one COMMIT: a unit costs tens of microseconds although every one of them reaches the disk before
its caller hears of it. Several processes may share the file.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy.dialects import sqlite

from config.runtime.database.compiled import Compiled, Compiler
from config.runtime.database.lanes import Lane, Limits
from config.runtime.database.sqlite_sessions import Reading, Writing
from config.runtime.database.unit import Batch, Refused, Row, Statement, Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions:
    """How an SQLite file is used."""

    deadline: float = 5.0
    """Seconds within which every call is answered, waiting for other processes included."""
    readers: int = 2
    """Threads that read."""
    durable: bool = True
    """Whether a commit waits for the disk (synchronous=FULL). Only a benchmark turns it off."""
    batch: int = 256
    """How many waiting units one transaction takes at most."""
    queue: int = 20_000
    """How many calls may wait; beyond, DatabaseUnavailable is raised at once."""


LOAD_PATIENCE = 12
"""How many deadlines a bulk load may take."""

Planned = tuple[str, list[Value], bool, Write]


def _run_unit(connection: sqlite3.Connection, planned: Sequence[Planned]) -> None:
    for text, arguments, returns_rows, write in planned:
        cursor = connection.execute(text, arguments)
        touched = len(cursor.fetchall()) if returns_rows else cursor.rowcount
        if write.rows is not None and touched != write.rows:
            raise Refused(write)


def _fetch(connection: sqlite3.Connection, text: str, arguments: list[Value]) -> list[Any]:
    return connection.execute(text, arguments).fetchall()


def _fetch_first(connection: sqlite3.Connection, text: str, arguments: list[Value]) -> Any:
    cursor = connection.execute(text, arguments)
    first = cursor.fetchone()
    cursor.close()
    return first


def _run_batches(
    connection: sqlite3.Connection,
    batches: Sequence[tuple[Compiled, Sequence[Mapping[str, Value]]]],
) -> None:
    for compiled, rows in batches:
        connection.executemany(compiled.text, map(compiled.arguments, rows))


class SqliteDatabase:
    """A Database on one SQLite file."""

    def __init__(self, path: Path, options: SqliteOptions) -> None:
        self._compile = Compiler(sqlite.dialect(paramstyle="qmark"))
        limits = Limits(deadline=options.deadline, batch=options.batch, queue=options.queue)
        self._writer = Lane("sqlite-writer", [Writing(path, options)], limits)
        readers = [Reading(path, options) for _ in range(options.readers)]
        self._readers = Lane("sqlite-reader", list(readers), limits)

    @classmethod
    async def open(cls, path: Path, options: SqliteOptions | None = None) -> "SqliteDatabase":
        """Start the threads for the file at ``path``, which is made when it does not exist.

        A file that cannot be opened shows at the first call, as DatabaseUnavailable: a process
        starts whether or not its database is there (R6).
        """
        return cls(path, options or SqliteOptions())

    async def submit(self, *writes: Write) -> None:
        """See Database.submit."""
        planned: list[Planned] = []
        for write in writes:
            compiled = self._compile(write.statement)
            arguments = compiled.arguments(write.values)
            planned.append((compiled.text, arguments, compiled.returns_rows, write))
        await self._writer.ask(lambda connection: _run_unit(connection, planned))

    async def take(self, write: Write) -> list[Row]:
        """See Database.take."""
        compiled = self._compile(write.statement)
        arguments = compiled.arguments(write.values)
        taken = await self._writer.ask(lambda c: _fetch(c, compiled.text, arguments))
        return cast(list[Row], taken)

    async def load(self, batches: Sequence[Batch]) -> None:
        """See Database.load."""
        compiled = [(self._compile(statement), rows) for statement, rows in batches]
        await self._writer.ask(lambda c: _run_batches(c, compiled), patience=LOAD_PATIENCE)

    async def rows(self, statement: Statement, **values: Value) -> list[Row]:
        """See Database.rows."""
        compiled = self._compile(statement)
        arguments = compiled.arguments(values)
        found = await self._readers.ask(lambda c: _fetch(c, compiled.text, arguments))
        return cast(list[Row], found)

    async def row(self, statement: Statement, **values: Value) -> Row | None:
        """See Database.row."""
        compiled = self._compile(statement)
        arguments = compiled.arguments(values)
        found = await self._readers.ask(lambda c: _fetch_first(c, compiled.text, arguments))
        return cast(Row | None, found)

    async def skew(self, now: int) -> float:
        """Return 0: the file has no clock but this machine's."""
        return 0.0

    async def close(self) -> None:
        """Finish what waits and close the file.

        The writer goes last: SQLite copies the WAL into the file, and removes it, only for the
        connection that finds itself alone. Of two that close at once each sees the other.
        """
        await self._readers.close()
        await self._writer.close()
