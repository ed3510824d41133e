"""Tokens that travel to the client through the browser, with a code or without.

OpenID Connect Core 1.0 §3.2, §3.3. An access token that is given so has a grant of its own, which
is revoked like any other; no refresh token ever travels so.
"""

from dataclasses import dataclass, replace
from typing import Any

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from idp.flows.tokens import Tokens
from idp.grants.grant_type import Redemption
from idp.grants.opening import Opening
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims import attribute_names, told, userinfo_claims
from idp.protocol.client import Client
from idp.protocol.grant import Authorization
from idp.protocol.response_types import words
from idp.protocol.tokens import half_hash, token_type


@dataclass(frozen=True, slots=True)
class Fronted:
    """Fields of the answer, and the writes that make them true."""

    fields: tuple[tuple[str, str], ...]
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontChannel:
    """Makes the tokens that stand in answers to the authorization requests of one issuer."""

    tokens: Tokens
    opening: Opening
    entropy: Entropy

    async def made(
        self, request: AuthorizationRequest, authorization: Authorization, client: Client, now: int
    ) -> Fronted:
        """Return the access token, where one is asked for."""
        if "token" not in words(request.response_type):
            return Fronted(())
        scope = tuple(word for word in authorization.scope if word != "offline_access")
        own = replace(authorization, grant_id=self.entropy.token(16), scope=scope)
        opened = await self.opening.open(own, client, now)
        redemption = Redemption(
            authorization=opened.authorization,
            scope=scope,
            fresh=True,
            refresh_token=None,
            writes=opened.writes,
        )
        text, token = await self.tokens.access_token(redemption, client, now)
        fields = (
            ("access_token", text),
            ("token_type", token_type(token.confirmation)),
            ("expires_in", str(token.expires_at - token.issued_at)),
            ("scope", " ".join(token.scope)),
        )
        return Fronted(fields, opened.writes)

    async def proven(
        self,
        request: AuthorizationRequest,
        authorization: Authorization,
        client: Client,
        fields: tuple[tuple[str, str], ...],
        now: int,
    ) -> tuple[tuple[str, str], ...]:
        """Return ``fields`` with the ID token that proves them, where one is asked for (§3.3.2.11).

        Where it comes alone it tells the claims that scopes ask for (§5.4).
        """
        if "id_token" not in words(request.response_type):
            return fields
        alg, beside = client.id_token_signed_response_alg, dict(fields)
        claims: dict[str, Any] = {}
        if request.response_type == "id_token":
            claims |= await self._person(authorization)
        for name, hashed in (("code", "c_hash"), ("access_token", "at_hash")):
            if name in beside:
                claims[hashed] = half_hash(beside[name], alg)
        redemption = Redemption(
            authorization=authorization,
            scope=authorization.scope,
            fresh=True,
            refresh_token=None,
            writes=(),
            id_token=claims,
        )
        return (*fields, ("id_token", await self.tokens.id_token(redemption, client, now)))

    async def _person(self, authorization: Authorization) -> dict[str, Any]:
        asked = userinfo_claims(authorization)
        if not asked:
            return {}
        names = attribute_names(asked)
        attributes = await self.tokens.residents.attributes(authorization.resident_id, names)
        return told(attributes, asked, authorization.claims_locales)
