"""Tokens of ours that are to be exchanged: read, and judged as they stand now (RFC 8693 §2.1)."""

from dataclasses import dataclass

from idp.flows.access import Access
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, InvalidToken
from idp.protocol.grant import Grant
from idp.protocol.introspection import may_ask
from idp.protocol.token_exchange import Party
from idp.protocol.tokens import session_identifier
from idp.stores.clients import Clients
from idp.stores.subjects import Subjects


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Access tokens that were issued to the client, or are meant for the resource server it is."""

    access: Access

    async def read(self, token: str, client: Client, now: int) -> Party:
        """See TokenReader.read."""
        try:
            read = await self.access.keys.access_token(token, now)
        except InvalidToken:
            raise InvalidRequest("the token to be exchanged is not valid") from None
        grant = await self.access.grants.find(read.grant_id)
        if (
            not may_ask(client, read)
            or grant is None
            or read.issued_at < grant.narrowed_at
            or not await self.access.lives(grant, now)
        ):
            raise InvalidRequest("the token to be exchanged is not valid")
        return Party(
            grant=grant,
            client_id=read.client_id,
            scope=read.scope,
            audience=read.audience,
            details=read.details,
            actor=read.actor,
            may_act=read.may_act,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokens:
    """ID tokens that were issued to the client itself, while the grant of their session lives."""

    access: Access
    clients: Clients
    subjects: Subjects

    async def read(self, token: str, client: Client, now: int) -> Party:
        """See TokenReader.read."""
        try:
            hint = await self.access.keys.id_token(token, now)
        except InvalidToken:
            raise InvalidRequest("the token to be exchanged is not valid") from None
        issuer = self.access.issuer
        sector = client.sector if client.subject_type == "pairwise" else issuer
        resident_id = await self.subjects.resident_of(issuer, sector, hint.subject)
        grant = None
        if hint.audience == (client.client_id,) and resident_id is not None:
            grant = await self._of_session(resident_id, client, hint.session, now)
        if grant is None or not await self.access.lives(grant, now):
            raise InvalidRequest("the token to be exchanged is not valid")
        authorization = grant.authorization
        return Party(
            grant=grant,
            client_id=client.client_id,
            scope=authorization.scope,
            audience=authorization.resources or (issuer,),
            details=authorization.details,
            may_act=client.may_act,
        )

    async def _of_session(
        self, resident_id: str, client: Client, sid: str | None, now: int
    ) -> Grant | None:
        """Return the newest grant that the client got in that session, and by no exchange."""
        for grant in await self.access.grants.of_resident(resident_id, now):
            authorization = grant.authorization
            if (
                authorization.client_id == client.client_id
                and not authorization.ancestors
                and session_identifier(authorization.session_id, client.client_id) == sid
            ):
                return grant
        return None
