"""Links with which people sign on our pages: a row each, found by the hash of its ticket.

The newest link of a signer is the one that leads anywhere, and only in the browser that claimed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    func,
    select,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Value, Write

signing_link = Table(
    "signing_link",
    metadata,
    Column("ticket", LargeBinary, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("tells", Text, nullable=False),
    Column("claimed_by", Text, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("signing_link_number", "request_id", "place", "number", unique=True),
    Index("signing_link_expires_at", "expires_at"),
)

_add = insert_new(signing_link)
_find = Statement(
    select(signing_link).where(
        signing_link.c.ticket == bindparam("of"), signing_link.c.expires_at > bindparam("now")
    )
)
_is_of_signer = and_(
    signing_link.c.request_id == bindparam("of_request"),
    signing_link.c.place == bindparam("of_place"),
)
_last = Statement(select(func.max(signing_link.c.number)).where(_is_of_signer))
_end_older = Statement(
    update(signing_link)
    .where(_is_of_signer, signing_link.c.number < bindparam("newest"), signing_link.c.ended == 0)
    .values(ended=1)
)
_claim = Statement(
    update(signing_link)
    .where(
        signing_link.c.ticket == bindparam("of"),
        signing_link.c.claimed_by == "",
        signing_link.c.ended == 0,
    )
    .values(claimed_by=bindparam("by"))
)
_PRUNE = prune(signing_link, "ticket", "expires_at")
_NAMES = (
    *("ticket", "request_id", "client_id", "place", "number", "return_to", "tells"),
    *("claimed_by", "ended", "expires_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``ticket`` is the SHA-256 hash of the secret in the address.

    ``place`` is that of the signer whom it is for, ``number`` how many they had up to this one,
    ``return_to`` where they go on at the end, and ``tells`` what the certificate does: a pseudonym
    or the name. ``claimed_by`` is what the browser that claimed it can bring, "" before;
    ``ended`` is 1 once a newer one was made.
    """

    ticket: bytes
    request_id: str
    client_id: str
    place: int
    number: int
    return_to: str
    tells: str
    claimed_by: str = ""
    ended: int = 0
    expires_at: int


@dataclass(frozen=True, slots=True)
class Links:
    """The links in the database."""

    database: Database

    async def last(self, request_id: str, place: int) -> int:
        """Return how many links a signer had; 0 for none."""
        row = await self.database.row(_last, of_request=request_id, of_place=place)
        return 0 if row is None or row[0] is None else int(row[0])

    def made(self, link: Link) -> Sequence[Write]:
        """Return the writes of a new link, which end the older ones of its signer.

        Refused where another one of its number was made meanwhile.
        """
        of: dict[str, Value] = {
            "of_request": link.request_id,
            "of_place": link.place,
            "newest": link.number,
        }
        return (
            Write(_add, {name: getattr(link, name) for name in _NAMES}),
            Write(_end_older, of, rows=None),
        )

    @staticmethod
    def claimed(ticket: bytes, by: str) -> Write:
        """Return the write with which a browser claims a link; refused where one has already."""
        return Write(_claim, {"of": ticket, "by": by})

    async def find(self, ticket: bytes, now: int) -> Link | None:
        """Return a link that is good now."""
        row = await self.database.row(_find, of=ticket, now=now)
        return None if row is None else Link(**{name: row[name] for name in _NAMES})

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that forgets a batch of those that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
