"""What people signed: a row per approval, what is told of the documents sealed for that row."""

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
    delete,
    or_,
    select,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from esignet.protocol.history import Before, Entry

signature_history = Table(
    "signature_history",
    metadata,
    Column("id", Text, primary_key=True),
    Column("signer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("format", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("told", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("signature_history_signer", "signer", "signed_at", "id"),
    Index("signature_history_expires_at", "expires_at"),
)

_PLAIN = ("id", "signer", "client_id", "signed_at", "format", "level", "count", "expires_at")

_add = insert_new(signature_history)
_is_theirs = signature_history.c.signer == bindparam("of")
_is_before = or_(
    signature_history.c.signed_at < bindparam("at"),
    and_(
        signature_history.c.signed_at == bindparam("at"),
        signature_history.c.id < bindparam("behind"),
    ),
)
_newest = (
    select(signature_history)
    .where(_is_theirs, _is_before, signature_history.c.expires_at > bindparam("now"))
    .order_by(signature_history.c.signed_at.desc(), signature_history.c.id.desc())
    .limit(bindparam("limit"))
)
_page = Statement(_newest)
_page_for = Statement(_newest.where(signature_history.c.client_id == bindparam("client")))
_find = Statement(
    select(signature_history.c.signer).where(signature_history.c.id == bindparam("named"))
)
_remove = Statement(
    delete(signature_history).where(signature_history.c.id == bindparam("named"), _is_theirs)
)
_forget = Statement(delete(signature_history).where(_is_theirs))
_PRUNE = prune(signature_history, "id", "expires_at")


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry with what opens and what holds that which is told of its documents."""

    entry: Entry
    key: bytes
    told: bytes


@dataclass(frozen=True, slots=True)
class PageAsked:
    """At most ``limit`` entries behind a place, of those that live ``now``."""

    before: Before
    limit: int
    now: int


@dataclass(frozen=True, slots=True)
class Signatures:
    """The entries in the database."""

    database: Database

    def added(self, sealed: SealedEntry) -> Write:
        """Return the write of a new entry."""
        values: dict[str, Value] = {name: getattr(sealed.entry, name) for name in _PLAIN}
        return Write(_add, {**values, "key": sealed.key, "told": sealed.told})

    async def page(self, signer: str, asked: PageAsked, client: str) -> Sequence[SealedEntry]:
        """Return a signer's newest entries; with ``client`` those of that one alone."""
        values: dict[str, Value] = {
            "of": signer,
            "at": asked.before.at,
            "behind": asked.before.id,
            "limit": asked.limit,
            "now": asked.now,
        }
        if not client:
            return [_entry(row) for row in await self.database.rows(_page, **values)]
        rows = await self.database.rows(_page_for, **values, client=client)
        return [_entry(row) for row in rows]

    async def signer_of(self, identifier: str) -> str | None:
        """Return whose an entry is."""
        row = await self.database.row(_find, named=identifier)
        return None if row is None else row["signer"]

    def removed(self, identifier: str, signer: str) -> Write:
        """Return the write that destroys one entry of this signer."""
        return Write(_remove, {"named": identifier, "of": signer})

    @staticmethod
    def forgotten(signer: str) -> Write:
        """Return the write that destroys every entry of a signer."""
        return Write(_forget, {"of": signer}, rows=None)

    @staticmethod
    def prune(now: int, limit: int) -> Write:
        """Return the write that forgets entries whose time is over, a batch of them."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _entry(row: Row) -> SealedEntry:
    entry = Entry(**{name: row[name] for name in _PLAIN})
    return SealedEntry(entry, bytes(row["key"]), bytes(row["told"]))
