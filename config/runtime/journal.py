"""What happened, written in the same unit as the change itself (R8 of docs/architecture.md).

A fact holds no personal datum, secret or token: opaque identifiers only (R10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text, bindparam, delete, select

from config.runtime.database.schema import COUNTED, metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Statement, Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """``name`` is ``room.event`` (``login.succeeded``); ``about`` is what it concerns, opaque."""

    name: str
    at: int
    about: str
    details: Mapping[str, Value] = field(default_factory=dict)


class Journal(Protocol):
    def write(self, fact: Fact) -> Write:
        """Return the write that records ``fact``; put it into the unit of the change."""
        ...


facts = Table(
    "fact",
    metadata,
    Column("number", COUNTED, primary_key=True),
    Column("name", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("about", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON object
)

_NEW = insert_new(facts)
_oldest = select(facts.c.number).order_by(facts.c.number).limit(bindparam("limit"))
# Facts come in the order of time, so the oldest are found without an index that each would pay for.
_PRUNE = Statement(
    delete(facts)
    .where(facts.c.number.in_(_oldest.scalar_subquery()), facts.c.at <= bindparam("now"))
    .returning(facts.c.number)
)


class DatabaseJournal:
    """The journal as a table beside the change."""

    def write(self, fact: Fact) -> Write:
        """See Journal.write."""
        details = msgspec.json.encode(fact.details).decode()
        return Write(
            _NEW, {"name": fact.name, "at": fact.at, "about": fact.about, "details": details}
        )

    def prune(self, before: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` facts that are older than ``before``."""
        return Write(_PRUNE, {"now": before, "limit": limit}, rows=None)
