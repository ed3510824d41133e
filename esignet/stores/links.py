"""Links with which people sign on our pages: a row each, found by the hash of its ticket."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write

signing_link = Table(
    "signing_link",
    metadata,
    Column("ticket", LargeBinary, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("tells", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("signing_link_expires_at", "expires_at"),
)

_add = insert_new(signing_link)
_find = Statement(
    select(signing_link).where(
        signing_link.c.ticket == bindparam("of"), signing_link.c.expires_at > bindparam("now")
    )
)
_PRUNE = prune(signing_link, "ticket", "expires_at")
_NAMES = ("ticket", "request_id", "client_id", "place", "return_to", "tells", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``ticket`` is the SHA-256 hash of the secret in the address.

    ``place`` is that of the signer whom it is for, ``return_to`` where they go on at the end, and
    ``tells`` what the certificate does: a pseudonym or the name.
    """

    ticket: bytes
    request_id: str
    client_id: str
    place: int
    return_to: str
    tells: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Links:
    """The links in the database."""

    database: Database

    def added(self, link: Link) -> Write:
        """Return the write of a new link."""
        return Write(_add, {name: getattr(link, name) for name in _NAMES})

    async def find(self, ticket: bytes, now: int) -> Link | None:
        """Return a link that is good now."""
        row = await self.database.row(_find, of=ticket, now=now)
        return None if row is None else Link(**{name: row[name] for name in _NAMES})

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that forgets a batch of those that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
