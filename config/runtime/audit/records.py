"""Audit entries: plain rows, written in the same unit as what they record (R8).

A hash chain inside the transaction would make every token wait for every other. So a row goes in
unordered, and the sequencer gives it its place in the log a moment later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, select

from config.runtime.audit.tree import Tree, leaf_hash
from config.runtime.database.schema import COUNTED, metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Row, Statement, Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """``actor`` did ``action`` (``room.event``) to ``about`` at ``at``: opaque identifiers only."""

    at: int
    actor: str
    action: str
    about: str
    details: Mapping[str, Value] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return what a promise of inclusion is about: the hash of all but its place."""
        members = (self.at, self.actor, self.action, self.about, self.encoded())
        return sha256(msgspec.json.encode(members)).digest()

    def encoded(self) -> str:
        """Return the details as they are stored: a JSON object."""
        return msgspec.json.encode(self.details).decode()


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
    Column("about", Text, nullable=False, index=True),
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

tiles = Table(
    "audit_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),  # from 1
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Roots of 256 hashes of the level below (of entries, for level 1), so that a proof of inclusion
reads a few hundred rows of a log of any length. They follow from the entries and may be lost."""

_HEAD = Statement(select(heads).where(heads.c.id == 1))
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
                "details": entry.encoded(),
            },
        )


async def read_head(database: Database) -> Tree:
    """Return the tree as far as the log reaches."""
    row = await database.row(_HEAD)
    return Tree() if row is None else Tree.unpack(row["size"], row["peaks"])


def leaf_row(row: Row) -> tuple[int, int, str, str, str, str]:
    """Return of a row of ``entries`` what its leaf is made of."""
    columns = ("number", "at", "actor", "action", "about", "details")
    number, at, actor, action, about, details = (row[column] for column in columns)
    return number, at, actor, action, about, details


def entry_leaf(place: int, row: Row) -> bytes:
    """Return the leaf hash of a row of ``entries`` at ``place``."""
    return leaf_hash(place, leaf_row(row))
