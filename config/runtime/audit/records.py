"""Audit entries: plain rows, written in the same unit as what they record (R8).

A hash chain inside the transaction would make every token wait for every other. So a row goes in
unordered, and the sequencer gives it its place in the log a moment later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from config.runtime.database.schema import COUNTED, metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """``actor`` did ``action`` (``room.event``) to ``about`` at ``at``: opaque identifiers only."""

    at: int
    actor: str
    action: str
    about: str
    details: Mapping[str, Value] = field(default_factory=dict)


class Audit(Protocol):
    def write(self, entry: AuditEntry) -> Write:
        """Return the write that records ``entry``; put it into the unit of what it records."""
        ...


entries = Table(
    "audit_entry",
    metadata,
    Column("number", COUNTED, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON object
    Column("place", BigInteger, unique=True),  # in the log, from 0; NULL until it is sequenced
    Column("leaf", LargeBinary),  # hash of the entry at its place
)

heads = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # there is one row: 1
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
)
"""How far the log reaches, and the hashes from which its root is computed."""

checkpoints = Table(
    "audit_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

_NEW = insert_new(entries, "at", "actor", "action", "about", "details")


class DatabaseAudit:
    """Audit entries as a table beside what they record."""

    def write(self, entry: AuditEntry) -> Write:
        """See Audit.write."""
        return Write(
            _NEW,
            {
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "about": entry.about,
                "details": msgspec.json.encode(entry.details).decode(),
            },
        )
