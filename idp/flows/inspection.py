"""Introspection and revocation: what clients ask and do about tokens (RFC 7662, RFC 7009)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from config.runtime.database.unit import Database, Refused
from config.settings import Issuer
from idp.flows.access import Access
from idp.flows.clients import ClientAuthentication
from idp.flows.nesting import Nesting
from idp.flows.userinfo import JSON, Told
from idp.grants.revocation import revoked
from idp.protocol import introspection
from idp.protocol.carried import Carried
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidToken
from idp.protocol.grant import Grant, digest_of
from idp.protocol.parameters import Parameters
from idp.protocol.refresh import RefreshToken
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens
from keystore.door import Door, Order, TokenKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Tokens of one issuer as clients may ask about them, and end them.

    Answers are signed for who asks for that (RFC 9701).
    """

    issuer: Issuer
    authentication: ClientAuthentication
    access: Access
    refresh_tokens: RefreshTokens
    records: Records
    database: Database
    door: Door
    nesting: Nesting

    async def introspect(
        self, asked: Parameters, carried: Carried, now: int, *, signed: bool
    ) -> Told:
        """Return what the client may know of the token, or raise an OAuthError.

        ``token_type_hint`` is not needed: the two kinds look different.
        """
        presented = asked.require("token")
        proven = await self.authentication.prove(asked, carried, now)
        await self.authentication.spend(proven)
        if proven.client.is_public:  # RFC 7662 §2.1: else anybody could try tokens
            raise InvalidClient("introspection needs a client that can authenticate")
        look = self._access_token if _is_access_token(presented) else self._refresh_token
        told = await look(presented, proven.client, now)
        if not signed:
            return Told(JSON, msgspec.json.encode(told))
        return Told(introspection.SIGNED, await self._signed(told, proven.client, now))

    async def revoke(self, asked: Parameters, carried: Carried, now: int) -> None:
        """End the grant that the token belongs to, or raise an OAuthError.

        RFC 7009 §2.1, §2.2: a token that is unknown or dead is no error, and neither is one of
        another client, which stays as it is: so nobody learns whether it is good.
        """
        presented = asked.require("token")
        proven = await self.authentication.prove(asked, carried, now)
        grant_id = await self._grant_of(presented, proven.client, now)
        if grant_id is None:
            await self.authentication.spend(proven)
            return
        fact = revoked(grant_id, "revoked_by_client", now)
        end = self.access.grants.end(grant_id, now)
        writes = self.records.write(fact, proven.client.client_id)
        try:
            await self.database.submit(end, *writes, *proven.writes)
        except Refused as refused:
            if refused.write is not end:
                raise InvalidClient("the assertion was used before") from None
            await self.authentication.spend(proven)  # it ended before: nothing is recorded twice

    async def _signed(self, told: Mapping[str, Any], client: Client, now: int) -> bytes:
        """Return the answer as a JWT for this resource server alone (RFC 9701 §5)."""
        alg = client.introspection_signed_response_alg or self.issuer.signing_algs[0]
        claims = introspection.signed_claims(told, client, now)
        order = Order(TokenKind.INTROSPECTION, alg, claims)
        [token] = await self.door.sign(self.issuer.address, [order])
        nested = await self.nesting.nest(
            token,
            client,
            client.introspection_encrypted_response_alg,
            client.introspection_encrypted_response_enc,
        )
        return nested.encode()

    async def _access_token(self, presented: str, client: Client, now: int) -> Mapping[str, Any]:
        try:
            token = await self.access.glance(presented, now)
        except InvalidToken:
            return introspection.INACTIVE
        if not introspection.may_ask(client, token):
            return introspection.INACTIVE
        return introspection.access_token_answer(token)

    async def _refresh_token(self, presented: str, client: Client, now: int) -> Mapping[str, Any]:
        found = await self._owned(presented, client)
        if found is None or not await self.access.lives(found[1], now):
            return introspection.INACTIVE
        token, grant = found
        if token.used_at is not None or token.expires_at <= now:
            return introspection.INACTIVE
        return introspection.refresh_token_answer(token, grant)

    async def _grant_of(self, presented: str, client: Client, now: int) -> str | None:
        if not _is_access_token(presented):
            found = await self._owned(presented, client)
            return None if found is None else found[0].grant_id
        try:
            token = await self.access.keys.access_token(presented, now)
        except InvalidToken:
            return None
        return token.grant_id if token.client_id == client.client_id else None

    async def _owned(self, presented: str, client: Client) -> tuple[RefreshToken, Grant] | None:
        """Return the client's own refresh token with its grant, else None."""
        found = await self.refresh_tokens.with_grant(digest_of(presented))
        if found is None or found[1].authorization.client_id != client.client_id:
            return None
        return found


def _is_access_token(presented: str) -> bool:
    """Return whether it looks like a JWT; a refresh token of ours never has a dot."""
    return "." in presented
