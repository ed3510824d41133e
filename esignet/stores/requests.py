"""Signature requests: a row each, and its sealed parts beside it until it ends.

The parts leave when the request expires, and with them the key that opens them; where it stood is
told for a day longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    or_,
    select,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new, prune, upsert
from config.runtime.database.unit import Database, Row, Statement, Value, Write
from esignet.protocol.asking import Order
from esignet.protocol.signature_request import SignatureRequest, Slot, State
from esignet.stores.documents import Documents
from keystore.signing.digests import HashAlgorithm

REMEMBERED = 86400
"""Seconds for which it is told how a request ended, after it expired."""

signature_request = Table(
    "signature_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("together", Integer, nullable=False),
    Column("order", Text, nullable=False),
    Column("slots", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("busy_until", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("webhook", Text, nullable=False),
    Column("waits_as", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("forgotten_at", BigInteger, nullable=False),
    Index("signature_request_waits_as", "client_id", "waits_as", unique=True),
    Index("signature_request_underway", "state", "busy_until"),
    Index("signature_request_expires_at", "expires_at"),
    Index("signature_request_forgotten_at", "forgotten_at"),
)

signature_request_part = Table(
    "signature_request_part",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("signature_request_part_expires_at", "expires_at"),
)

_PLAIN = (
    *("id", "client_id", "format", "level", "envelope", "count", "place", "version", "busy_until"),
    *("reason", "webhook", "created_at", "expires_at"),
)
_is_underway = or_(
    signature_request.c.state == State.SIGNING.value,
    signature_request.c.state == State.COMPLETING.value,
)
_is_unended = or_(signature_request.c.state == State.OPEN.value, _is_underway)
_MOVED = ("state", "digests", "slots", "place", "version", "busy_until", "reason")

_of = signature_request.c.id == bindparam("of")
_was = signature_request.c.version == bindparam("was")
_part_of = signature_request_part.c.request_id == bindparam("of")
_named = signature_request_part.c.part == bindparam("named")

_add = insert_new(signature_request)
_find = Statement(select(signature_request).where(_of))
_find_of_client = Statement(
    select(signature_request).where(_of, signature_request.c.client_id == bindparam("client"))
)
_moved = (
    update(signature_request)
    .where(_of, _was)
    .values({name: bindparam(f"becomes_{name}") for name in _MOVED})
)
_move = Statement(_moved)
_end = Statement(_moved.values(waits_as=None))
_waiting = Statement(
    select(signature_request.c.waits_as).where(
        signature_request.c.client_id == bindparam("client"),
        signature_request.c.waits_as.is_not(None),
    )
)
_left = Statement(
    select(signature_request)
    .where(
        _is_underway,
        signature_request.c.busy_until <= bindparam("now"),
        signature_request.c.expires_at > bindparam("now"),
    )
    .order_by(signature_request.c.busy_until)
    .limit(bindparam("limit"))
)
_overdue = Statement(
    select(signature_request)
    .where(
        _is_unended,
        signature_request.c.expires_at <= bindparam("now"),
        signature_request.c.busy_until <= bindparam("now"),
    )
    .limit(bindparam("limit"))
)
_renew = Statement(update(signature_request).where(_of, _was).values(busy_until=bindparam("until")))
_keep = upsert(signature_request_part, ("request_id", "part", "number"))
_drop = Statement(delete(signature_request_part).where(_part_of, _named))
_drop_all = Statement(delete(signature_request_part).where(_part_of))
_parts = Statement(
    select(signature_request_part.c.octets)
    .where(_part_of, _named)
    .order_by(signature_request_part.c.number)
)
_part = Statement(
    select(signature_request_part.c.octets).where(
        _part_of, _named, signature_request_part.c.number == bindparam("at")
    )
)
_PRUNE = prune(signature_request, "id", "forgotten_at")
_PRUNE_PARTS = prune(signature_request_part, "request_id", "expires_at")
_SLOTS = msgspec.json.Decoder(tuple[Slot, ...])


@dataclass(frozen=True, slots=True)
class SignatureRequests:
    """The requests in the database."""

    database: Database

    def added(self, request: SignatureRequest, waits_as: int) -> Write:
        """Return the write of a new request, refused if another one of the client waits as that.

        So no more wait than there are numbers, however many come at the same time.
        """
        values = {**_row(request), "waits_as": waits_as}
        return Write(_add, {**values, "forgotten_at": request.expires_at + REMEMBERED})

    def moved(self, before: SignatureRequest, after: SignatureRequest) -> Write:
        """Return the write that moves it, if nothing moved it meanwhile."""
        values = _row(after)
        becomes = {f"becomes_{name}": values[name] for name in _MOVED}
        statement = _end if after.state.is_final else _move
        return Write(statement, {"of": before.id, "was": before.version, **becomes})

    def renewed(self, request: SignatureRequest, until: int) -> Write:
        """Return the write by which whoever works on it does so ``until`` then."""
        return Write(_renew, {"of": request.id, "was": request.version, "until": until})

    def kept(self, request: SignatureRequest, part: str, octets: bytes, number: int = 0) -> Write:
        """Return the write that keeps a sealed part, in place of what was there."""
        return Write(
            _keep,
            {
                "request_id": request.id,
                "part": part,
                "number": number,
                "octets": octets,
                "expires_at": request.expires_at,
            },
        )

    def dropped(self, request: SignatureRequest, *parts: str) -> list[Write]:
        """Return the writes that destroy these parts; without any, all of them and their key.

        Then documents that were uploaded for the request go, too.
        """
        if not parts:
            return [
                Write(_drop_all, {"of": request.id}, rows=None),
                Documents.destroyed_of(request.id),
            ]
        return [Write(_drop, {"of": request.id, "named": part}, rows=None) for part in parts]

    async def find(self, identifier: str, client_id: str = "") -> SignatureRequest | None:
        """Return a request, of this client where one is named."""
        if not client_id:
            row = await self.database.row(_find, of=identifier)
        else:
            row = await self.database.row(_find_of_client, of=identifier, client=client_id)
        return None if row is None else _request(row)

    async def part(self, identifier: str, part: str, number: int = 0) -> bytes | None:
        """Return one sealed part, None when it is gone."""
        row = await self.database.row(_part, of=identifier, named=part, at=number)
        return None if row is None else bytes(row["octets"])

    async def parts(self, identifier: str, part: str) -> list[bytes]:
        """Return the sealed parts of this name by their numbers."""
        rows = await self.database.rows(_parts, of=identifier, named=part)
        return [bytes(row["octets"]) for row in rows]

    async def waiting(self, client_id: str) -> frozenset[int]:
        """Return as what the requests of a client wait that have not ended."""
        rows = await self.database.rows(_waiting, client=client_id)
        return frozenset(row["waits_as"] for row in rows)

    async def left(self, now: int, limit: int) -> Sequence[SignatureRequest]:
        """Return requests that are underway, and nobody works on."""
        return [_request(row) for row in await self.database.rows(_left, now=now, limit=limit)]

    async def overdue(self, now: int, limit: int) -> Sequence[SignatureRequest]:
        """Return requests that waited too long, and nobody works on."""
        return [_request(row) for row in await self.database.rows(_overdue, now=now, limit=limit)]

    def prune(self, now: int, limit: int) -> tuple[Write, Write]:
        """Return the writes that destroy what expired, and forget requests a day later."""
        bound: dict[str, Value] = {"now": now, "limit": limit}
        return Write(_PRUNE_PARTS, bound, rows=None), Write(_PRUNE, bound, rows=None)


def _row(request: SignatureRequest) -> dict[str, Value]:
    return {
        **{name: getattr(request, name) for name in _PLAIN},
        "together": int(request.together),
        "state": request.state.value,
        "order": request.order.value,
        "algorithm": request.algorithm.value,
        "digests": b"".join(request.digests),
        "slots": msgspec.json.encode(request.slots).decode(),
    }


def _request(row: Row) -> SignatureRequest:
    algorithm, digests = HashAlgorithm(row["algorithm"]), bytes(row["digests"])
    starts = range(0, len(digests), algorithm.length)
    return SignatureRequest(
        **{name: row[name] for name in _PLAIN},
        together=bool(row["together"]),
        state=State(row["state"]),
        order=Order(row["order"]),
        algorithm=algorithm,
        digests=tuple(digests[at : at + algorithm.length] for at in starts),
        slots=_SLOTS.decode(row["slots"]),
    )
