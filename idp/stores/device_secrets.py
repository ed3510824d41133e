"""Device secrets of native single sign-on: good as long as the session that they came from."""

import msgspec
from sqlalchemy import and_, bindparam, select

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from idp.protocol.native_sso import DeviceSecret
from idp.protocol.session import Proof
from idp.stores.login_tables import session
from idp.stores.oauth_tables import device_secret as table

_LIVE = and_(session.c.ended_at.is_(None), session.c.expires_at > bindparam("now"))
_FIND = Statement(
    select(table.c.state, session.c.proofs)
    .select_from(table.join(session, table.c.session_id == session.c.id))
    .where(table.c.digest == bindparam("digest"), table.c.expires_at > bindparam("now"), _LIVE)
)
_INSERT = insert_new(table)
_PRUNE = prune(table, "digest", "expires_at")
_secret = msgspec.json.Decoder(DeviceSecret)
_proofs = msgspec.json.Decoder(tuple[Proof, ...])


class DeviceSecrets:
    """Device secrets by their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: bytes, now: int) -> tuple[DeviceSecret, tuple[Proof, ...]] | None:
        """Return the secret whose session lives, and what that rests on; or None."""
        row = await self._database.row(_FIND, digest=digest, now=now)
        if row is None:
            return None
        return _secret.decode(row["state"]), _proofs.decode(row["proofs"])

    def add(self, secret: DeviceSecret) -> Write:
        """Return the write that keeps a new secret."""
        return Write(
            _INSERT,
            {
                "digest": secret.digest,
                "session_id": secret.session_id,
                "resident_id": secret.resident_id,
                "state": msgspec.json.encode(secret),
                "expires_at": secret.expires_at,
            },
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` secrets whose session is over."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
