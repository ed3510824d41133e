"""Userinfo: what the client may know about the person, as it is now (OIDC Core 1.0 §5.3)."""

from dataclasses import dataclass

from config.settings import Issuer
from idp.flows.access import Access, Holder
from idp.flows.clients import KnownClients
from idp.flows.nesting import Nesting
from idp.protocol.claims import attribute_names, told, userinfo_claims
from idp.protocol.client import Client
from idp.protocol.errors import InsufficientScope, InvalidToken
from idp.protocol.tokens import userinfo_claims as claims_of_userinfo
from keystore.door import Door, Order, TokenKind

JSON = "application/json"
JWT = "application/jwt"


@dataclass(frozen=True, slots=True)
class Told:
    """What is answered, and its media type."""

    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Userinfo:
    """Userinfo of one issuer."""

    issuer: Issuer
    access: Access
    known: KnownClients
    nesting: Nesting
    door: Door

    async def tell(self, holder: Holder) -> Told:
        """Return what the holder may know, or raise InvalidToken or InsufficientScope."""
        token, authorization = holder.token, holder.authorization
        if "openid" not in token.scope:
            raise InsufficientScope("scope must hold openid")
        client = await self.known.find(token.client_id)
        if client is None:
            raise InvalidToken("the access token was revoked")
        asked = userinfo_claims(authorization, token.scope)
        attributes = await self.access.residents.shared(
            authorization.resident_id, attribute_names(asked)
        )
        if attributes is None:  # locked or gone since
            raise InvalidToken("the access token was revoked")
        person = told(attributes, asked, authorization.claims_locales)
        alg = client.userinfo_signed_response_alg
        claims = claims_of_userinfo(authorization, person, signed=alg is not None)
        if alg is None and client.userinfo_encrypted_response_alg is None:
            return Told(JSON, claims)
        return Told(JWT, await self._sealed(claims, client))

    async def _sealed(self, claims: bytes, client: Client) -> bytes:
        """Sign and then encrypt, as far as the client registered (§5.3.2)."""
        alg = client.userinfo_signed_response_alg or self.issuer.signing_algs[0]
        [signed] = await self.door.sign(
            self.issuer.address, [Order(TokenKind.USERINFO, alg, claims)]
        )
        nested = await self.nesting.nest(
            signed,
            client,
            client.userinfo_encrypted_response_alg,
            client.userinfo_encrypted_response_enc,
        )
        return nested.encode()
