"""The authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9700 §2.1.1, §4.5)."""

from dataclasses import dataclass, replace

from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.opening import Opening
from idp.grants.revocation import Revocation
from idp.protocol import pkce
from idp.protocol.errors import InvalidGrant
from idp.protocol.grant import IssuedCode, digest_of
from idp.residents.port import Residents, State
from idp.stores.codes import Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """``authorization_code``."""

    codes: Codes
    residents: Residents
    opening: Opening
    revocation: Revocation

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
            await self.revocation.end(code.authorization, "code_replayed", now)
            raise InvalidGrant("the code was used before")
        if code.expires_at <= now:
            raise InvalidGrant("the code expired")
        if asked.get("redirect_uri", "") != code.redirect_uri:
            raise InvalidGrant("redirect_uri is not the one of the authorization request")
        pkce.check_verifier(asked.get("code_verifier"), code.code_challenge)
        if code.authorization.bound_to not in (None, request.sender):  # RFC 9449 §10
            raise InvalidGrant("the code is bound to another key")
        resident = await self.residents.get(code.authorization.resident_id)
        if resident is None or resident.state is not State.ACTIVE:  # locked since (attack A21)
            raise InvalidGrant("the person cannot be acted for at present")
        return await self._redemption(code, request, now)

    async def _redemption(self, code: IssuedCode, request: TokenRequest, now: int) -> Redemption:
        authorization = replace(code.authorization, bound_to=request.binding)
        opened = await self.opening.open(authorization, request.client, now)
        return Redemption(
            authorization=opened.authorization,
            scope=opened.authorization.scope,
            fresh=True,
            refresh_token=opened.refresh_token,
            writes=(self.codes.use(code, now, opened.ends_at), *opened.writes),
            answer=opened.answer,
            signature=authorization.signature,
            change=authorization.change,
        )
