"""Refresh tokens (RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core 1.0 §12)."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact
from config.settings import Lifetimes
from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.revocation import Revocation
from idp.protocol.client import Client
from idp.protocol.errors import InvalidGrant, InvalidScope
from idp.protocol.grant import Grant, digest_of
from idp.protocol.parameters import Parameters
from idp.protocol.refresh import RefreshToken, Use, judge, rotates, successor
from idp.residents.port import Residents, State
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTokenGrant:
    """``refresh_token``."""

    grants: Grants
    refresh_tokens: RefreshTokens
    residents: Residents
    records: Records
    entropy: Entropy
    lifetimes: Lifetimes
    revocation: Revocation

    name = "refresh_token"

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """Return the authorization and the successor, or raise InvalidGrant or InvalidScope.

        A token that somebody else holds too revokes the grant; a token of another client tells and
        changes nothing.
        """
        asked, client = request.asked, request.client
        presented = asked.require("refresh_token")
        found = await self.refresh_tokens.with_grant(digest_of(presented))
        if found is None or found[1].authorization.client_id != client.client_id:
            raise InvalidGrant("the refresh token is not valid")
        token, grant = found
        if token.expires_at <= now or not await self.grants.lives(grant, now):
            raise InvalidGrant("the refresh token expired or was revoked")
        if grant.authorization.bound_to not in (None, request.sender, request.instance):
            raise InvalidGrant("the refresh token is bound to another key")
        use = judge(token, now, self.lifetimes.refresh_grace)
        if use is Use.STOLEN or (use is Use.AGAIN and await self._has_arrived(presented, token)):
            await self.revocation.end(grant.authorization, "refresh_token_reused", now)
            raise InvalidGrant("the refresh token was used before")
        scope = _scope(asked, grant)
        resident = await self.residents.get(grant.authorization.resident_id)
        if resident is None or resident.state is not State.ACTIVE:
            raise InvalidGrant("the person cannot be acted for at present")
        following, writes = self._following(presented, token, client, now)
        authorization = grant.authorization
        fact = Fact(
            name="grant.refreshed",
            at=now,
            about=authorization.grant_id,
            details={"client": authorization.client_id, "again": int(token.used_at is not None)},
        )
        return Redemption(
            authorization=authorization,
            scope=scope,
            fresh=False,
            refresh_token=following,
            writes=(*writes, *self.records.write(fact, authorization.client_id)),
        )

    def _following(
        self, presented: str, token: RefreshToken, client: Client, now: int
    ) -> tuple[str, tuple[Write, ...]]:
        """Return the refresh token that is good from now on, and the writes that make it so."""
        if token.used_at is None and not rotates(client):
            return presented, ()
        salt = token.salt or self.entropy.bytes(32)
        following = successor(presented, salt)
        if token.used_at is not None:
            grace = self.lifetimes.refresh_grace
            return following, (self.refresh_tokens.repeat(token, digest_of(following), now, grace),)
        new = RefreshToken(
            digest=digest_of(following),
            grant_id=token.grant_id,
            issued_at=now,
            expires_at=token.expires_at,
        )
        return following, (
            self.refresh_tokens.use(token, salt, now),
            self.refresh_tokens.insert(new),
        )

    async def _has_arrived(self, presented: str, token: RefreshToken) -> bool:
        """Return whether the successor was used: then the reply that carried it was not lost."""
        following = await self.refresh_tokens.find(
            digest_of(successor(presented, token.salt or b""))
        )
        return following is None or following.used_at is not None


def _scope(asked: Parameters, grant: Grant) -> tuple[str, ...]:
    """Return the scope of the new access token: never more than was granted (RFC 6749 §6)."""
    granted = grant.authorization.scope
    wanted = asked.words("scope")
    if not set(wanted) <= set(granted):
        raise InvalidScope("scope is wider than what was granted")
    return wanted or granted
