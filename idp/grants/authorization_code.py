"""The authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9700 §2.1.1, §4.5)."""

from dataclasses import dataclass

from config.runtime.database.unit import Database
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact
from config.settings import Lifetimes
from idp.grants.grant_type import Redemption, TokenRequest
from idp.protocol import pkce
from idp.protocol.client import Client
from idp.protocol.errors import InvalidGrant
from idp.protocol.grant import Grant, IssuedCode, digest_of
from idp.protocol.refresh import RefreshToken
from idp.residents.port import Residents, State
from idp.stores.codes import Codes
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """``authorization_code``."""

    database: Database
    codes: Codes
    grants: Grants
    refresh_tokens: RefreshTokens
    residents: Residents
    records: Records
    entropy: Entropy
    lifetimes: Lifetimes

    name = "authorization_code"

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """Return the tokens' authorization, or raise InvalidGrant.

        A request that fails does not use the code up: whoever guesses at a verifier or comes from
        another client cannot spend it for its owner, and learns nothing, for every try needs the
        256 bits of the verifier. A code that was used is another matter: it is known to two, so
        what it produced is revoked (RFC 6749 §4.1.2) before anything else of the request is judged.
        """
        asked, client = request.asked, request.client
        code = await self.codes.find(digest_of(asked.require("code")))
        if code is None or code.authorization.client_id != client.client_id:
            raise InvalidGrant("the code is not valid")
        if code.used_at is not None:
            await self._revoke(code, now)
            raise InvalidGrant("the code was used before")
        if code.expires_at <= now:
            raise InvalidGrant("the code expired")
        if asked.get("redirect_uri") != code.redirect_uri:
            raise InvalidGrant("redirect_uri is not the one of the authorization request")
        pkce.check_verifier(asked.get("code_verifier"), code.code_challenge)
        resident = await self.residents.get(code.authorization.resident_id)
        if resident is None or resident.state is not State.ACTIVE:  # locked since (attack A21)
            raise InvalidGrant("the person cannot be acted for at present")
        return self._redemption(code, client, now)

    def _redemption(self, code: IssuedCode, client: Client, now: int) -> Redemption:
        authorization = code.authorization
        refreshable = authorization.is_offline and "refresh_token" in client.grant_types
        lifetime = self.lifetimes.grant if refreshable else self.lifetimes.access_token
        ends_at = now + lifetime
        grant = Grant(authorization=authorization, created_at=now, expires_at=ends_at)
        writes = [
            self.codes.use(code, now, ends_at),
            self.grants.insert(grant),
            *self.records.write(_created(grant, now), client.client_id),
        ]
        token = None
        if refreshable:
            token = self.entropy.token()
            writes.append(
                self.refresh_tokens.insert(
                    RefreshToken(
                        digest=digest_of(token),
                        grant_id=authorization.grant_id,
                        issued_at=now,
                        expires_at=ends_at,
                    )
                )
            )
        return Redemption(
            authorization=authorization,
            scope=authorization.scope,
            fresh=True,
            refresh_token=token,
            writes=tuple(writes),
        )

    async def _revoke(self, code: IssuedCode, now: int) -> None:
        grant_id = code.authorization.grant_id
        fact = Fact(
            name="grant.revoked",
            at=now,
            about=grant_id,
            details={"reason": "code_replayed"},
        )
        client_id = code.authorization.client_id
        await self.database.submit(
            self.grants.revoke(grant_id, now), *self.records.write(fact, client_id)
        )


def _created(grant: Grant, now: int) -> Fact:
    authorization = grant.authorization
    return Fact(
        name="grant.created",
        at=now,
        about=authorization.grant_id,
        details={"client": authorization.client_id, "resident": authorization.resident_id},
    )
