"""What may be used once, such as the ``jti`` of a client's assertion (RFC 7523 §3)."""

import hashlib

from config.runtime.database.statements import prune
from config.runtime.database.unit import Write
from idp.stores.oauth_tables import used as table
from idp.stores.restoration import use_once

_INSERT = use_once(table)
_PRUNE = prune(table, "digest", "expires_at")


class Used:
    """Values that were used, until they would be refused as expired anyway."""

    def once(self, room: str, owner: str, value: str, expires_at: int, usable_since: int) -> Write:
        """Return the write that uses ``value`` of ``owner`` up; refused when it was used before.

        ``room`` says what it is, so that equal values of different kinds never meet. It could not
        be used before ``usable_since``: when the database was restored after that, it is refused.
        """
        parts = (room, owner, value)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        digest = hashlib.sha256(text.encode()).digest()
        return Write(
            _INSERT, {"digest": digest, "expires_at": expires_at, "usable_since": usable_since}
        )

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that forgets at most ``limit`` values that expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)
