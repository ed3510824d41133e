"""PostgreSQL behind the door: asyncpg, one round trip per unit.

SQLAlchemy only compiles; the compiled text runs on the driver. Several hosts and
``target_session_attrs=read-write`` in the address lead to the primary after a fail-over.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from config.runtime.database.compiled import REMEMBERED, Compiler
from config.runtime.database.connections import Connections
from config.runtime.database.unit import (
    Batch,
    DatabaseUnavailable,
    Refused,
    Row,
    Statement,
    Value,
    Write,
)
from config.runtime.database.unit_sql import UnitText, compose, in_locking_order, refused_index


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlOptions:
    """How a PostgreSQL database is used."""

    deadline: float = 2.0
    """Seconds for each of: getting a connection, making one, and a statement."""
    connections: int = 16
    """Connections of this process at most."""
    load_deadline: float = 60.0
    """Seconds for each statement of ``load``."""
    prepared: bool = True
    """Keep prepared statements. Off behind a pooler that changes sessions between transactions."""


_UNAVAILABLE = (
    "08",  # connection exception
    "25006",  # read-only transaction: a former primary
    "53",  # insufficient resources: disk, memory, connections
    "55P03",  # lock not available
    "57",  # operator intervention: shutdown, cancelled at the time-out
    "58",  # system error
)
"""Classes of SQLSTATE that tell of the server, not of the statement."""

_REPEATABLE = ("40001", "40P01")
"""Serialization failure, deadlock: rolled back as a whole, so that trying again is safe."""

_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises when the connection is gone or cannot be had."""

ATTEMPTS = 3


class PostgresqlDatabase:
    """A Database on a PostgreSQL server."""

    def __init__(self, url: str, options: PostgresqlOptions) -> None:
        self._url = url
        self._options = options
        self._compile = Compiler(dialect.dialect())  # type: ignore[no-untyped-call]
        self._units: dict[tuple[tuple[Statement, int | None], ...], UnitText] = {}
        self._connections = Connections(self._connect, options.connections, options.deadline)

    @classmethod
    async def open(cls, url: str, options: PostgresqlOptions | None = None) -> "PostgresqlDatabase":
        """Return the database at ``url``; connections are made when they are needed (R6)."""
        return cls(url, options or PostgresqlOptions())

    async def submit(self, *writes: Write) -> None:
        """See Database.submit."""
        if not writes:
            return
        writes = in_locking_order(writes)
        unit = self._unit(writes)
        arguments: list[Value] = []
        for part, write in zip(unit.parts, writes, strict=True):
            arguments += part.arguments(write.values)
        try:
            touched = (await self._fetch(unit.text, arguments))[0][0]
        except asyncpg.InvalidTextRepresentationError as failure:
            index = refused_index(str(failure))
            if index is None:
                raise ValueError(str(failure)) from failure
            raise Refused(writes[index]) from None
        if len(writes) == 1 and writes[0].rows not in (None, touched):
            raise Refused(writes[0])

    async def take(self, write: Write) -> list[Row]:
        """See Database.take."""
        compiled = self._compile(write.statement)
        return await self._fetch(compiled.text, compiled.arguments(write.values))

    async def load(self, batches: Sequence[Batch]) -> None:
        """See Database.load."""

        async def run(connection: asyncpg.Connection) -> None:
            async with connection.transaction():
                for statement, rows in batches:
                    compiled = self._compile(statement)
                    arguments = map(compiled.arguments, rows)
                    await connection.executemany(
                        compiled.text, arguments, timeout=self._options.load_deadline
                    )

        await self._on_connection(run)

    async def rows(self, statement: Statement, **values: Value) -> list[Row]:
        """See Database.rows."""
        compiled = self._compile(statement)
        return await self._fetch(compiled.text, compiled.arguments(values))

    async def row(self, statement: Statement, **values: Value) -> Row | None:
        """See Database.row."""
        compiled = self._compile(statement)
        found = await self._fetch(compiled.text, compiled.arguments(values))
        return found[0] if found else None

    async def skew(self, now: int) -> float:
        """Return by how many seconds this machine's ``now`` is ahead of the server's clock."""
        found = await self._fetch("SELECT extract(epoch FROM clock_timestamp())::float8", [])
        return now - float(found[0][0])

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _unit(self, writes: Sequence[Write]) -> UnitText:
        shape = tuple((write.statement, write.rows) for write in writes)
        known = self._units.get(shape)
        if known is None:
            if len(self._units) >= REMEMBERED:
                self._units.clear()
            parts = [self._compile(write.statement) for write in writes]
            known = self._units[shape] = compose(parts, [write.rows for write in writes])
        return known

    async def _connect(self) -> asyncpg.Connection:
        options = self._options
        session = {"application_name": "symbolon"}
        if options.prepared:  # a pooler in between would not take them
            session |= {"statement_timeout": str(int(options.deadline * 1000)), "jit": "off"}
        try:
            return await asyncpg.connect(
                self._url,
                timeout=options.deadline,
                # The server gives up first, so that what it did is known.
                command_timeout=options.deadline + 0.5,
                statement_cache_size=512 if options.prepared else 0,
                max_cached_statement_lifetime=0,
                server_settings=session,
            )
        except _LOST as failure:
            raise DatabaseUnavailable(_reason(failure)) from failure
        except asyncpg.PostgresError as failure:
            raise DatabaseUnavailable(f"refused to connect: {_reason(failure)}") from failure

    async def _fetch(self, text: str, arguments: list[Value]) -> list[Row]:
        async def run(connection: asyncpg.Connection) -> list[Row]:
            return cast(list[Row], await connection.fetch(text, *arguments))

        return cast(list[Row], await self._on_connection(run))

    async def _on_connection(self, run: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        attempt = 1
        while True:
            connection = await self._connections.acquire()
            try:
                answer = await run(connection)
            except asyncpg.PostgresError as failure:
                self._connections.release(connection)
                if failure.sqlstate not in _REPEATABLE or attempt == ATTEMPTS:
                    _translate(failure)
                attempt += 1
            except ValueError:  # a value of ours that was found out before it was sent
                self._connections.release(connection)
                raise
            except _LOST as failure:
                self._connections.discard(connection)
                raise DatabaseUnavailable(_reason(failure)) from failure
            except BaseException:  # cancelled in the middle: its state is not known
                self._connections.discard(connection)
                raise
            else:
                self._connections.release(connection)
                return answer


def _translate(failure: asyncpg.PostgresError) -> NoReturn:
    """Raise what the contract calls ``failure``; a refusal of a unit remains as it is."""
    state = failure.sqlstate or ""
    if state in _REPEATABLE or state.startswith(_UNAVAILABLE):
        raise DatabaseUnavailable(_reason(failure)) from failure
    refusal = isinstance(failure, asyncpg.InvalidTextRepresentationError)
    if isinstance(failure, asyncpg.DataError) and not refusal:
        raise ValueError(_reason(failure)) from failure
    raise failure


def _reason(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
