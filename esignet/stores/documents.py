"""Documents that clients gave: a row each, and their sealed chunks.

The row holds the sealed key: a document whose row is gone cannot be read any more, and its chunks
leave with the worker. What a document is called is not known here.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from keystore.signing.digests import HashAlgorithm

document = Table(
    "document",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("request_id", Text),
    Column("expires_at", BigInteger, nullable=False),
)
Index("document_client_id", document.c.client_id)
Index("document_request_id", document.c.request_id)
Index("document_expires_at", document.c.expires_at)

document_chunk = Table(
    "document_chunk",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

MOST_CHUNKS = 16
"""Chunks that leave at once: each is a mebibyte."""


class Arrival(StrEnum):
    """How far a document has come."""

    ARRIVING = "arriving"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A document that is here. ``key`` is sealed; ``digests`` are of its octets, by algorithm.

    ``request`` is the signature request that it was given to, "" while there is none.
    """

    id: str
    client_id: str
    media_type: str
    size: int
    digests: dict[HashAlgorithm, bytes]
    key: bytes
    request: str
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A sealed chunk that came: ``more`` octets of the document ``document_id``.

    The document is dropped ``until`` unless more comes; ``quota`` is how many octets of its client
    may be here, this chunk included.
    """

    document_id: str
    number: int
    content: bytes
    more: int
    until: int
    quota: int


_kept = document.alias()
_of = document.c.id == bindparam("of")
_arriving = _of & (document.c.state == Arrival.ARRIVING.value)
_within = (
    select(func.sum(_kept.c.size))
    .where(_kept.c.client_id == document.c.client_id)
    .correlate(document)
    .scalar_subquery()
) + bindparam("more") <= bindparam("quota")
_whole = (
    _of
    & (document.c.client_id == bindparam("client_id"))
    & (document.c.state == Arrival.WHOLE.value)
)
_now = document.c.expires_at > bindparam("now")
_grown = update(document).where(_arriving, _within)
_larger = document.c.size + bindparam("more")

_begin = insert_new(
    document, "id", "client_id", "media_type", "state", "size", "digests", "key", "expires_at"
)
_add = insert_new(document_chunk)
_grow = Statement(_grown.values(size=_larger, expires_at=bindparam("until")))
_end = Statement(
    _grown.values(
        size=_larger,
        expires_at=bindparam("until"),
        digests=bindparam("all_digests", type_=LargeBinary),
        state=Arrival.WHOLE.value,
    )
)
_find = Statement(select(document).where(_whole, _now))
_find_of_any = Statement(select(document).where(_of, document.c.state == Arrival.WHOLE.value, _now))
_bind = Statement(
    update(document)
    .where(_whole, _now, document.c.request_id.is_(None))
    .values(request_id=bindparam("request"), expires_at=bindparam("until"))
)
_destroy = Statement(
    delete(document).where(
        _of, document.c.client_id == bindparam("client_id"), document.c.request_id.is_(None)
    )
)
_destroy_of = Statement(delete(document).where(document.c.request_id == bindparam("request")))
_sum = Statement(
    select(func.coalesce(func.sum(document.c.size), 0)).where(
        document.c.client_id == bindparam("client_id")
    )
)
_chunk = Statement(
    select(document_chunk.c.content).where(
        document_chunk.c.document_id == bindparam("of"),
        document_chunk.c.number == bindparam("number"),
    )
)
_PRUNE = prune(document, "id", "expires_at")
_place = tuple_(document_chunk.c.document_id, document_chunk.c.number)
_PRUNE_CHUNKS = Statement(
    delete(document_chunk)
    .where(
        _place.in_(
            select(document_chunk.c.document_id, document_chunk.c.number)
            .where(~select(1).where(document.c.id == document_chunk.c.document_id).exists())
            .limit(bindparam("limit"))
        )
    )
    .returning(document_chunk.c.number)
)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents in the database."""

    database: Database

    def begun(self, upload: Upload) -> Write:
        """Return the write of a document of which nothing has come yet."""
        names = ("id", "client_id", "media_type", "key", "expires_at")
        values: dict[str, Value] = {name: getattr(upload, name) for name in names}
        values |= {"state": Arrival.ARRIVING.value, "size": 0, "digests": b""}
        return Write(_begin, values)

    def grown(self, chunk: Chunk) -> tuple[Write, Write]:
        """Return the writes of one more chunk, refused when it is more than the client may keep."""
        return self._added(chunk), Write(_grow, _growth(chunk))

    def ended(self, chunk: Chunk, digests: dict[HashAlgorithm, bytes]) -> tuple[Write, Write]:
        """Return the same for the last chunk, after which the document is here until ``until``."""
        every = b"".join(digests[algorithm] for algorithm in HashAlgorithm)
        return self._added(chunk), Write(_end, {**_growth(chunk), "all_digests": every})

    def _added(self, chunk: Chunk) -> Write:
        names = ("document_id", "number", "content")
        return Write(_add, {name: getattr(chunk, name) for name in names})

    def bound(self, upload: Upload, request: str, until: int, now: int) -> Write:
        """Return the write that gives a document to a request, once; it stays ``until``."""
        values: dict[str, Value] = {"of": upload.id, "client_id": upload.client_id, "now": now}
        return Write(_bind, {**values, "request": request, "until": until})

    def destroyed(self, identifier: str, client_id: str) -> Write:
        """Return the write that destroys the key of a client's document that no request has."""
        return Write(_destroy, {"of": identifier, "client_id": client_id})

    @staticmethod
    def destroyed_of(request: str) -> Write:
        """Return the write that destroys the keys of all documents of a request."""
        return Write(_destroy_of, {"request": request}, rows=None)

    async def find(self, identifier: str, client_id: str, now: int) -> Upload | None:
        """Return a document of this client that is here as a whole."""
        row = await self.database.row(_find, of=identifier, client_id=client_id, now=now)
        return None if row is None else _upload(row)

    async def lent(self, identifier: str, now: int) -> Upload | None:
        """Return a document that is here as a whole, whoever gave it."""
        row = await self.database.row(_find_of_any, of=identifier, now=now)
        return None if row is None else _upload(row)

    async def chunk(self, identifier: str, number: int) -> bytes | None:
        """Return a chunk as it is kept."""
        row = await self.database.row(_chunk, of=identifier, number=number)
        return None if row is None else bytes(row["content"])

    async def size_of(self, client_id: str) -> int:
        """Return how many octets of a client are here, and still come."""
        row = await self.database.row(_sum, client_id=client_id)
        return int(row[0]) if row is not None else 0

    def prune(self, now: int, limit: int) -> tuple[Write, Write]:
        """Return the writes that forget a batch: documents that expired, chunks without one."""
        chunks = {"limit": min(limit, MOST_CHUNKS)}
        return (
            Write(_PRUNE, {"now": now, "limit": limit}, rows=None),
            Write(_PRUNE_CHUNKS, chunks, rows=None),
        )


def _growth(chunk: Chunk) -> dict[str, Value]:
    return {
        "of": chunk.document_id,
        "more": chunk.more,
        "until": chunk.until,
        "quota": chunk.quota,
    }


def _upload(row: Row) -> Upload:
    digests, at = {}, 0
    for algorithm in HashAlgorithm:
        digests[algorithm] = row["digests"][at : at + algorithm.length]
        at += algorithm.length
    return Upload(
        **{name: row[name] for name in ("id", "client_id", "media_type", "size", "key")},
        digests=digests,
        request=row["request_id"] or "",
        expires_at=row["expires_at"],
    )
