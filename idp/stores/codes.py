"""Authorization codes, and the tombstones of those that were used."""

import msgspec
from sqlalchemy import bindparam, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from idp.protocol.grant import Authorization, IssuedCode
from idp.stores.oauth_tables import code as table

_FIND = Statement(
    select(
        table.c.authorization,
        table.c.redirect_uri,
        table.c.code_challenge,
        table.c.expires_at,
        table.c.used_at,
    ).where(table.c.digest == bindparam("digest"))
)
_INSERT = insert_new(table)
_USE = Statement(
    update(table)
    .where(table.c.digest == bindparam("code"), table.c.used_at.is_(None))
    .values(used_at=bindparam("now"), keep_until=bindparam("until"))
)
_PRUNE = prune(table, "digest", "keep_until")
_AUTHORIZATION = msgspec.json.Decoder(Authorization)


class Codes:
    """Codes by their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: bytes) -> IssuedCode | None:
        """Return the code, used or not, or None."""
        row = await self._database.row(_FIND, digest=digest)
        if row is None:
            return None
        return IssuedCode(
            digest=digest,
            authorization=_AUTHORIZATION.decode(row["authorization"]),
            redirect_uri=row["redirect_uri"],
            code_challenge=row["code_challenge"],
            expires_at=row["expires_at"],
            used_at=row["used_at"],
        )

    def insert(self, code: IssuedCode) -> Write:
        """Return the write that remembers a new code."""
        return Write(
            _INSERT,
            {
                "digest": code.digest,
                "issuer": code.authorization.issuer,
                "client_id": code.authorization.client_id,
                "resident_id": code.authorization.resident_id,
                "session_id": code.authorization.session_id,
                "offline": int(code.authorization.is_offline),
                "authorization": msgspec.json.encode(code.authorization),
                "redirect_uri": code.redirect_uri,
                "code_challenge": code.code_challenge,
                "expires_at": code.expires_at,
                "used_at": None,
                "keep_until": code.expires_at,
            },
        )

    def use(self, code: IssuedCode, now: int, keep_until: int) -> Write:
        """Return the write that uses the code up; refused when it was used before (R2).

        Its tombstone is kept until ``keep_until``: the end of what the code produced.
        """
        return Write(_USE, {"code": code.digest, "now": now, "until": keep_until})

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that drops at most ``limit`` codes and tombstones that are past."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
