"""Pushed authorization requests (RFC 9126), sealed: only who has the request_uri can read one.

The random part of the request_uri is kept as its SHA-256, and is the key of what was pushed: a
copy of the database tells neither, so a ``login_hint`` that is a telephone number may stand in it.
"""

from hashlib import sha256

import msgspec
from sqlalchemy import bindparam, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from config.runtime.entropy import Entropy
from idp.protocol.grant import digest_of
from idp.protocol.par import PushedRequest
from idp.stores.oauth_tables import pushed_request as table
from keystore.cells import Cells

_FIND = Statement(
    select(
        table.c.client_id,
        table.c.state,
        table.c.opened_by,
        table.c.used_at,
        table.c.expires_at,
    ).where(table.c.digest == bindparam("digest"))
)
_USABLE = Statement(
    select(table.c.digest).where(
        table.c.digest == bindparam("digest"),
        table.c.used_at.is_(None),
        table.c.expires_at > bindparam("now"),
    )
)
_INSERT = insert_new(table)
_OPEN = Statement(
    update(table)
    .where(table.c.digest == bindparam("which"), table.c.used_at.is_(None))
    .values(opened_by=table.c.expires_at)
)
_USE = Statement(
    update(table)
    .where(
        table.c.digest == bindparam("which"),
        table.c.used_at.is_(None),
        table.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("used"))
)
_PRUNE = prune(table, "digest", "expires_at")


class _State(msgspec.Struct, frozen=True, array_like=True):
    asked: dict[str, str]
    signed: bool


_DECODER = msgspec.json.Decoder(_State)


class PushedRequests:
    """Every pushed request until it is pruned, used or not."""

    def __init__(self, database: Database, entropy: Entropy) -> None:
        self._database = database
        self._entropy = entropy

    async def find(self, secret: str) -> PushedRequest | None:
        """Return the request whose request_uri has this random part, or None."""
        digest = digest_of(secret)
        row = await self._database.row(_FIND, digest=digest)
        if row is None:
            return None
        state = _DECODER.decode(self._cells(secret).open(row["state"], digest))
        return PushedRequest(
            digest=digest,
            client_id=row["client_id"],
            asked=state.asked,
            signed=state.signed,
            opened_by=row["opened_by"],
            expires_at=row["expires_at"],
            used_at=row["used_at"],
        )

    async def is_usable(self, digest: bytes, now: int) -> bool:
        """Return whether the request is there, was not used, and is not over."""
        return await self._database.row(_USABLE, digest=digest, now=now) is not None

    def add(self, secret: str, request: PushedRequest) -> Write:
        """Return the write that keeps a new request."""
        state = msgspec.json.encode(_State(dict(request.asked), request.signed))
        return Write(
            _INSERT,
            {
                "digest": request.digest,
                "client_id": request.client_id,
                "state": self._cells(secret).seal(state, request.digest),
                "opened_by": request.opened_by,
                "used_at": None,
                "expires_at": request.expires_at,
            },
        )

    def open(self, digest: bytes) -> Write:
        """Return the write that notes the first opening: from now on it may take its time."""
        return Write(_OPEN, {"which": digest}, rows=None)

    def use(self, digest: bytes, now: int) -> Write:
        """Return the write that uses the request up; refused when it is not usable (R2)."""
        return Write(_USE, {"which": digest, "now": now, "used": now})

    @staticmethod
    def prune(now: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` requests that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)

    def _cells(self, secret: str) -> Cells:
        return Cells(sha256(b"pushed request\0" + secret.encode()).digest(), self._entropy)
