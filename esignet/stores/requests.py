"""Signature requests: a row each, with its documents sealed until it ends."""

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
from esignet.protocol.signature_request import SignatureRequest, State
from keystore.signing.digests import HashAlgorithm

signature_request = Table(
    "signature_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("content", LargeBinary),
)
Index("signature_request_expires_at", signature_request.c.expires_at)

_SHOWN = [column for column in signature_request.c if column.name not in ("key", "content")]
_of = signature_request.c.id == bindparam("of")
_was = signature_request.c.state == bindparam("was")

_add = insert_new(signature_request)
_find = Statement(
    select(*_SHOWN).where(_of, signature_request.c.client_id == bindparam("client_id"))
)
_find_sealed = Statement(
    select(signature_request.c.key, signature_request.c.content).where(
        _of, signature_request.c.content.is_not(None)
    )
)
_move = Statement(update(signature_request).where(_of, _was).values(state=bindparam("becomes")))
_end = Statement(
    update(signature_request)
    .where(_of, _was)
    .values(state=bindparam("becomes"), key=None, content=None)
)
_PRUNE = prune(signature_request, "id", "expires_at")


@dataclass(frozen=True, slots=True)
class SealedDocuments:
    """``content`` is encrypted under a key of its own, ``key`` is that key, sealed."""

    key: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class SignatureRequests:
    """The requests in the database."""

    database: Database

    def added(self, request: SignatureRequest, sealed: SealedDocuments) -> Write:
        """Return the write of a new request."""
        values = {column.name: getattr(request, column.name) for column in _SHOWN}
        return Write(
            _add,
            {
                **values,
                "state": request.state.value,
                "algorithm": request.algorithm.value,
                "digests": b"".join(request.digests),
                "key": sealed.key,
                "content": sealed.content,
            },
        )

    def moved(self, before: SignatureRequest, after: SignatureRequest) -> Write:
        """Return the write that moves it, if it stands where it stood before."""
        return Write(_move, _named(before, after))

    def ended(self, before: SignatureRequest, after: SignatureRequest) -> Write:
        """Return the same, after which its documents cannot be read: their key is gone."""
        return Write(_end, _named(before, after))

    async def find(self, identifier: str, client_id: str) -> SignatureRequest | None:
        """Return a request of this client."""
        row = await self.database.row(_find, of=identifier, client_id=client_id)
        return None if row is None else _request(row)

    async def sealed(self, identifier: str) -> SealedDocuments | None:
        """Return its documents as they lie here, None when they are gone."""
        row = await self.database.row(_find_sealed, of=identifier)
        return None if row is None else SealedDocuments(row["key"], row["content"])

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that forgets requests that expired, a batch of them."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _named(before: SignatureRequest, after: SignatureRequest) -> dict[str, str]:
    return {"of": before.id, "was": before.state.value, "becomes": after.state.value}


def _request(row: Row) -> SignatureRequest:
    algorithm, digests = HashAlgorithm(row["algorithm"]), row["digests"]
    starts = range(0, len(digests), algorithm.length)
    return SignatureRequest(
        **{name: row[name] for name in ("id", "client_id", "format", "level")},
        state=State(row["state"]),
        algorithm=algorithm,
        digests=tuple(digests[at : at + algorithm.length] for at in starts),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
