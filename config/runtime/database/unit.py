"""A unit of work: conditional writes that happen together or not at all.

R1 of docs/architecture.md: what must be true together is submitted together. A unit is a sequence
of ``Write``; each says how many rows it must touch. One that touches another number refuses the
whole unit, and nothing of it remains. Nothing awaits inside a unit.

Two rules keep a unit the same on every adapter: no write of a unit may depend on what an earlier
write of the same unit did, and no two writes of a unit may touch the same row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ClauseElement

Value = str | int | float | bytes | None
"""What a column may hold. Anything with a structure is stored as JSON text or bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One SQL statement in SQLAlchemy Core with named ``bindparam``s, compiled once per dialect."""

    clause: ClauseElement


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One INSERT, UPDATE or DELETE. ``rows`` is how many rows it must touch; None is any number."""

    statement: Statement
    values: Mapping[str, Value]
    rows: int | None = 1


Batch = tuple[Statement, Sequence[Mapping[str, Value]]]
"""One statement and the rows of values for which it is run, one after another."""


class Row(Protocol):
    """A row that was read; a column is reached by name or position."""

    def __getitem__(self, key: str | int) -> Any: ...


class Refused(Exception):
    """A write of a unit did not touch the rows that it must: the unit did not happen.

    ``write`` is the first write that was refused; compare it by identity to learn which.
    """

    def __init__(self, write: Write) -> None:
        super().__init__(write)
        self.write = write

    def __str__(self) -> str:
        return f"refused: {self.write.statement.clause}"


class DatabaseUnavailable(Exception):
    """The database cannot be reached, or whether the unit happened is not known (answer 503)."""


class Database(Protocol):
    """The only truth. Raises DatabaseUnavailable when it cannot be reached within its deadline.

    A value that no column can hold (text with NUL or a lone surrogate, an integer beyond the
    column's bits) raises ValueError, on every adapter, before anything happened. A constraint of
    the schema that a write breaks raises the driver's error: that is a fault of the program, since
    what may clash is written with ``insert_new`` or a condition, and answered with Refused.
    """

    async def submit(self, *writes: Write) -> None:
        """Make every write happen durably, or raise Refused and make none happen."""
        ...

    async def take(self, write: Write) -> list[Row]:
        """Do one write by itself and return its RETURNING rows; ``write.rows`` is not looked at."""
        ...

    async def load(self, batches: Sequence[Batch]) -> None:
        """Run each statement for each of its rows in one transaction, in order: for bulk work."""
        ...

    async def rows(self, statement: Statement, **values: Value) -> list[Row]:
        """Return every row of a SELECT."""
        ...

    async def row(self, statement: Statement, **values: Value) -> Row | None:
        """Return the first row of a SELECT, or None."""
        ...
