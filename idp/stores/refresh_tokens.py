"""Refresh tokens: each is used once, and repeated once within the grace."""

from sqlalchemy import bindparam, delete, exists, select, update

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Row, Statement, Write
from idp.protocol.grant import Grant
from idp.protocol.refresh import RefreshToken
from idp.stores.grants import grant_of
from idp.stores.oauth_tables import grant
from idp.stores.oauth_tables import refresh_token as table

_FIND = Statement(select(table).where(table.c.digest == bindparam("digest")))
_WITH_GRANT = Statement(
    select(
        table,
        grant.c.authorization,
        grant.c.created_at,
        grant.c.updated_at,
        grant.c.narrowed_at,
        grant.c.revision,
        grant.c.expires_at.label("ends_at"),
        grant.c.revoked_at,
    )
    .select_from(table.join(grant, grant.c.grant_id == table.c.grant_id))
    .where(table.c.digest == bindparam("digest"))
)
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
_DROP = Statement(delete(table).where(table.c.grant_id == bindparam("grant")))
_PRUNE = prune(table, "digest", "expires_at")


class RefreshTokens:
    """Refresh tokens by their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: bytes) -> RefreshToken | None:
        """Return the token, used or not, or None."""
        row = await self._database.row(_FIND, digest=digest)
        return None if row is None else _token(row)

    async def with_grant(self, digest: bytes) -> tuple[RefreshToken, Grant] | None:
        """Return the token and the grant it belongs to, used or revoked or not, or None."""
        row = await self._database.row(_WITH_GRANT, digest=digest)
        if row is None:
            return None
        return _token(row), grant_of(row, expires_at="ends_at")

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

    def drop(self, grant_id: str) -> Write:
        """Return the write that drops every token of a grant: it was widened or replaced."""
        return Write(_DROP, {"grant": grant_id}, rows=None)

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that drops at most ``limit`` tokens that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _token(row: Row) -> RefreshToken:
    return RefreshToken(
        digest=row["digest"],
        grant_id=row["grant_id"],
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        salt=row["salt"],
        repeated_at=row["repeated_at"],
    )
