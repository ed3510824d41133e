"""Ending everything of one person at one issuer, at once (Global Token Revocation)."""

from dataclasses import dataclass

from config.runtime.database.unit import Database
from config.runtime.journal import Fact
from idp.flows.access import Holder
from idp.flows.clients import KnownClients
from idp.protocol.client import Client
from idp.protocol.errors import InsufficientScope, InvalidToken
from idp.protocol.global_revocation import SCOPE, Named
from idp.stores import unredeemed
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.sessions import Sessions
from idp.stores.subjects import Subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalRevocation:
    """What a client with the permission may do to a person whom it knows by a subject."""

    issuer: str
    known: KnownClients
    subjects: Subjects
    sessions: Sessions
    grants: Grants
    records: Records
    database: Database

    async def revoke(self, holder: Holder, named: Named, now: int) -> None:
        """End every session, grant and token of the person, or raise an OAuthError.

        A subject of nobody's looks like any other: nothing is learnt about who is known here. The
        token is the client's own, and bound to a key: one that leaked ends nothing.
        """
        token = holder.token
        if SCOPE not in token.scope:
            raise InsufficientScope(f"scope must hold {SCOPE}")
        if holder.authorization.has_person or token.confirmation is None:
            raise InvalidToken("a token of the client's own, bound to its key, is needed")
        client = await self.known.find(token.client_id)
        if client is None:
            raise InvalidToken("the access token was revoked")
        resident_id = await self._resident(named, client)
        if resident_id is None:
            return
        fact = Fact(name="resident.revoked", at=now, about=resident_id)
        ended = self.grants.revoke_at_issuer(resident_id, self.issuer, now)
        await self.database.submit(
            self.sessions.end_all(resident_id, now),
            *unredeemed.at_issuer(resident_id, self.issuer),
            ended,
            *self.records.write(fact, client.client_id),
        )
        await self.database.submit(ended)

    async def _resident(self, named: Named, client: Client) -> str | None:
        """Return whom the client, or else every client, calls so."""
        own = client.sector if client.subject_type == "pairwise" else self.issuer
        return await self.subjects.resident_of(
            self.issuer, own, named.subject
        ) or await self.subjects.resident_of(self.issuer, self.issuer, named.subject)
