"""Refresh tokens: each is used once, and repeated once within the grace."""

from sqlalchemy import bindparam, exists, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from idp.protocol.refresh import RefreshToken
from idp.stores.oauth_tables import refresh_token as table

_FIND = Statement(select(table).where(table.c.digest == bindparam("digest")))
_INSERT = insert_new(table)
_USE = Statement(
    update(table)
    .where(table.c.digest == bindparam("token"), table.c.used_at.is_(None))
    .values(used_at=bindparam("now"), salt=bindparam("grain"))
)
_later = table.alias("later")
_REPEAT = Statement(
    update(table)
    .where(
        table.c.digest == bindparam("token"),
        table.c.repeated_at.is_(None),
        table.c.used_at >= bindparam("since"),
        ~exists().where(_later.c.digest == bindparam("following"), _later.c.used_at.is_not(None)),
    )
    .values(repeated_at=bindparam("now"))
)
_PRUNE = prune(table, "digest", "expires_at")


class RefreshTokens:
    """Refresh tokens by their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: bytes) -> RefreshToken | None:
        """Return the token, used or not, or None."""
        row = await self._database.row(_FIND, digest=digest)
        if row is None:
            return None
        return RefreshToken(
            digest=digest,
            grant_id=row["grant_id"],
            issued_at=row["issued_at"],
            expires_at=row["expires_at"],
            used_at=row["used_at"],
            salt=row["salt"],
            repeated_at=row["repeated_at"],
        )

    def insert(self, token: RefreshToken) -> Write:
        """Return the write that remembers a new token."""
        return Write(
            _INSERT,
            {
                "digest": token.digest,
                "grant_id": token.grant_id,
                "issued_at": token.issued_at,
                "expires_at": token.expires_at,
                "used_at": None,
                "salt": None,
                "repeated_at": None,
            },
        )

    def use(self, token: RefreshToken, salt: bytes, now: int) -> Write:
        """Return the write that uses the token up; refused when it was used before (R2)."""
        return Write(_USE, {"token": token.digest, "now": now, "grain": salt})

    def repeat(self, token: RefreshToken, following: bytes, now: int, grace: int) -> Write:
        """Return the write that repeats the last use within ``grace`` seconds of it.

        Refused after one repetition, and once the successor, whose digest is ``following``, was
        used: then the reply had arrived.
        """
        return Write(
            _REPEAT,
            {"token": token.digest, "following": following, "since": now - grace, "now": now},
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that drops at most ``limit`` tokens that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
