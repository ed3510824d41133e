"""Requests that are approved on another device: found by either code, moved by compare-and-swap."""

import msgspec
from sqlalchemy import and_, bindparam, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from idp.protocol.decoupled import LINGER, Decoupled
from idp.stores.oauth_tables import decoupled as table

_FIND = Statement(select(table.c.state).where(table.c.digest == bindparam("digest")))
_FIND_BY_CODE = Statement(select(table.c.state).where(table.c.code_digest == bindparam("code")))
_OF_RESIDENT = Statement(
    select(table.c.state)
    .where(table.c.resident_id == bindparam("resident"), table.c.expires_at > bindparam("now"))
    .order_by(table.c.expires_at, table.c.digest)
)
_INSERT = insert_new(table)
_MOVE = Statement(
    update(table)
    .where(and_(table.c.digest == bindparam("which"), table.c.revision == bindparam("before")))
    .values(
        revision=bindparam("after"),
        state=bindparam("state"),
        resident_id=bindparam("resident"),
        code_digest=bindparam("code"),
        expires_at=bindparam("until"),
    )
)
_PRUNE = prune(table, "digest", "expires_at")
_decoder = msgspec.json.Decoder(Decoupled)


class DecoupledRequests:
    """Every request until it is pruned."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: bytes) -> Decoupled | None:
        """Return the request with this digest, expired or not, or None."""
        row = await self._database.row(_FIND, digest=digest)
        return None if row is None else _decoder.decode(row["state"])

    async def with_code(self, code_digest: bytes) -> Decoupled | None:
        """Return the request whose user_code has this keyed hash, over or not, or None."""
        row = await self._database.row(_FIND_BY_CODE, code=code_digest)
        return None if row is None else _decoder.decode(row["state"])

    async def of_resident(self, resident_id: str, now: int) -> list[Decoupled]:
        """Return the live requests that name this person, the first to expire in front."""
        rows = await self._database.rows(_OF_RESIDENT, resident=resident_id, now=now)
        found = [_decoder.decode(row["state"]) for row in rows]
        return [request for request in found if not request.is_over(now)]

    def add(self, request: Decoupled) -> Write:
        """Return the write that keeps a new request; refused when its user_code is taken."""
        return Write(
            _INSERT,
            {
                "digest": request.digest,
                "code_digest": request.code_digest,
                "issuer": request.issuer,
                "client_id": request.client_id,
                "resident_id": _whose(request),
                "revision": request.revision,
                "state": msgspec.json.encode(request),
                "expires_at": request.expires_at + LINGER,
            },
        )

    def move(self, before: Decoupled, after: Decoupled) -> Write:
        """Return the write that replaces ``before``; Refused when it was moved meanwhile."""
        return Write(
            _MOVE,
            {
                "which": before.digest,
                "before": before.revision,
                "after": after.revision,
                "state": msgspec.json.encode(after),
                "resident": _whose(after),
                "code": after.code_digest,
                "until": after.expires_at + LINGER,
            },
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` requests that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _whose(request: Decoupled) -> str | None:
    """Return the person whom a request names, or who approved it: it is forgotten with them."""
    given = request.authorization
    return request.resident_id if given is None else given.resident_id
