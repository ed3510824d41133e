"""Sealed documents that are too long for an answer: what was appended to each, for a while."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    case,
    select,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Value, Write
from esignet.stores.documents import document

sealed_document = Table(
    "sealed_document",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("sealed_document_expires_at", sealed_document.c.expires_at)

_keep = insert_new(sealed_document)
_find = Statement(
    select(sealed_document).where(
        sealed_document.c.id == bindparam("of"),
        sealed_document.c.client_id == bindparam("client_id"),
        sealed_document.c.expires_at > bindparam("now"),
    )
)
_is_shorter = document.c.request_id.is_(None) & (document.c.expires_at < bindparam("until"))
_stay = Statement(
    update(document)
    .where(
        document.c.id == bindparam("of"),
        document.c.client_id == bindparam("client_id"),
        document.c.expires_at > bindparam("now"),
    )
    .values(expires_at=case((_is_shorter, bindparam("until")), else_=document.c.expires_at))
)
_PRUNE = prune(sealed_document, "id", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSeal:
    """``content`` is encrypted under ``key``, which is sealed itself."""

    id: str
    client_id: str
    key: bytes
    content: bytes
    expires_at: int


@dataclass(frozen=True, slots=True)
class SealedDocuments:
    """The sealed documents in the database."""

    database: Database

    def kept(self, seal: KeptSeal) -> Write:
        """Return the write that keeps one; what is kept under its name already stays."""
        values: dict[str, Value] = {"id": seal.id, "client_id": seal.client_id, "key": seal.key}
        values |= {"content": seal.content, "expires_at": seal.expires_at}
        return Write(_keep, values, rows=None)

    def stays(self, upload: str, client_id: str, until: int, now: int) -> Write:
        """Return the write after which an upload is there ``until``; refused where it is gone.

        That of a signature request stays as long as that.
        """
        asked: dict[str, Value] = {"of": upload, "client_id": client_id}
        return Write(_stay, {**asked, "until": until, "now": now})

    async def find(self, identifier: str, client_id: str, now: int) -> KeptSeal | None:
        """Return one of this client."""
        row = await self.database.row(_find, of=identifier, client_id=client_id, now=now)
        if row is None:
            return None
        return KeptSeal(
            id=row["id"],
            client_id=row["client_id"],
            key=bytes(row["key"]),
            content=bytes(row["content"]),
            expires_at=row["expires_at"],
        )

    @staticmethod
    def prune(now: int, limit: int) -> Write:
        """Return the write that forgets a batch of those that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
