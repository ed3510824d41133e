"""What happened, written in the same unit as the change itself (R8 of docs/architecture.md).

A fact holds no personal datum, secret or token: opaque identifiers only (R10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text

from config.runtime.database.schema import COUNTED, metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Value, Write


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


class DatabaseJournal:
    """The journal as a table beside the change."""

    def write(self, fact: Fact) -> Write:
        """See Journal.write."""
        details = msgspec.json.encode(fact.details).decode()
        return Write(
            _NEW, {"name": fact.name, "at": fact.at, "about": fact.about, "details": details}
        )
