"""Ending a grant for a reason that others may read: the fact, and the end of a grant misused."""

from contextlib import suppress
from dataclasses import dataclass

from config.runtime.database.unit import Database, Refused
from config.runtime.journal import Fact
from idp.protocol.grant import Authorization
from idp.stores.grants import Grants
from idp.stores.records import Records


def revoked(grant_id: str, reason: str, now: int) -> Fact:
    """Return the fact that a grant ended at ``now`` because of ``reason``."""
    return Fact(name="grant.revoked", at=now, about=grant_id, details={"reason": reason})


@dataclass(frozen=True, slots=True)
class Revocation:
    """Ends grants whose code or token is known to two (RFC 6749 §4.1.2, RFC 9700 §4.14.2)."""

    database: Database
    grants: Grants
    records: Records

    async def end(self, authorization: Authorization, reason: str, now: int) -> None:
        """End the grant of ``authorization``, in a unit of its own, unless it ended before."""
        fact = revoked(authorization.grant_id, reason, now)
        with suppress(Refused):  # it ended before: nothing is recorded twice
            await self.database.submit(
                self.grants.end(authorization.grant_id, now),
                *self.records.write(fact, authorization.client_id),
            )
