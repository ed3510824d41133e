"""Reading and ending a grant that a client names (Grant Management for OAuth 2.0 §6)."""

from dataclasses import dataclass
from typing import Any

from config.runtime.database.unit import Database
from idp.flows.access import Holder
from idp.grants.revocation import revoked
from idp.protocol import grant_management
from idp.protocol.errors import InsufficientScope, NotFound
from idp.protocol.grant import Grant
from idp.stores.grants import Grants
from idp.stores.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantManagement:
    """Grants as the clients may see them that hold them.

    Who asks is told by an access token of the client with the scope of what it does. Another
    client's grant is not there, as one that ended.
    """

    grants: Grants
    records: Records
    database: Database

    async def query(self, holder: Holder, grant_id: str, now: int) -> dict[str, Any]:
        """Return the status of the grant, or raise InsufficientScope or NotFound."""
        return grant_management.status(
            await self._grant(holder, grant_id, grant_management.QUERY, now)
        )

    async def revoke(self, holder: Holder, grant_id: str, now: int) -> None:
        """End the grant and every token of it, or raise InsufficientScope or NotFound."""
        await self._grant(holder, grant_id, grant_management.REVOKE, now)
        fact = revoked(grant_id, "revoked_by_client", now)
        await self.database.submit(
            self.grants.revoke(grant_id, now),
            *self.records.write(fact, holder.token.client_id),
        )

    async def _grant(self, holder: Holder, grant_id: str, scope: str, now: int) -> Grant:
        if scope not in holder.token.scope:
            raise InsufficientScope(f"scope must hold {scope}")
        grant = await self.grants.find(grant_id)
        if (
            grant is None
            or not grant.is_live(now)
            or grant.authorization.client_id != holder.token.client_id
        ):
            raise NotFound("there is no such grant")
        return grant
