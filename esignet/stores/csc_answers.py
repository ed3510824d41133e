"""Answers of the CSC API that are fetched later, until they expire."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Write

csc_answer = Table(
    "csc_answer",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("lost_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("answer", LargeBinary),
)
Index("csc_answer_expires_at", csc_answer.c.expires_at)

_begin = insert_new(csc_answer, "id_hash", "client_id", "subject", "lost_at", "expires_at")
_end = Statement(
    update(csc_answer)
    .where(csc_answer.c.id_hash == bindparam("of"), csc_answer.c.answer.is_(None))
    .values(answer=bindparam("said", type_=LargeBinary))
)
_find = Statement(
    select(csc_answer.c.answer, csc_answer.c.lost_at).where(
        csc_answer.c.id_hash == bindparam("of"),
        csc_answer.c.client_id == bindparam("client_id"),
        csc_answer.c.subject == bindparam("subject"),
        csc_answer.c.expires_at > bindparam("now"),
    )
)
_PRUNE = prune(csc_answer, "id_hash", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer will lie: whose it is, when it is ``lost`` if it has not come, and expires.

    The identifier is known to the client alone; its hash is stored. Times are NumericDates.
    """

    id: str
    client_id: str
    subject: str
    lost_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class CscAnswers:
    """The answers in the database."""

    database: Database

    def begun(self, place: Place) -> Write:
        """Return the write that makes a place for an answer."""
        values = {name: getattr(place, name) for name in ("client_id", "subject", "lost_at")}
        whole = {**values, "expires_at": place.expires_at, "id_hash": _hashed(place.id)}
        return Write(_begin, whole)

    def ended(self, identifier: str, answer: bytes) -> Write:
        """Return the write that puts the answer there, once."""
        return Write(_end, {"of": _hashed(identifier), "said": answer})

    async def find(self, identifier: str, client_id: str, subject: str, now: int) -> Row | None:
        """Return ``answer`` (None until it came) and ``lost_at``; None for no such place."""
        return await self.database.row(
            _find, of=_hashed(identifier), client_id=client_id, subject=subject, now=now
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that forgets answers that expired, a batch of them."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _hashed(identifier: str) -> bytes:
    return hashlib.sha256(identifier.encode()).digest()
