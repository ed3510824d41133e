"""The code exchange and the refresh: judge, sign, then one unit, then answer (R1)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.runtime.crashpoints import CrashHere
from config.runtime.database.unit import Database, Refused
from config.runtime.entropy import Entropy
from config.settings import Issuer, Lifetimes
from idp.client_auth.attestation import instance_of
from idp.flows.activating import Activating
from idp.flows.clients import ClientAuthentication, Proven
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.nesting import Nesting
from idp.flows.resource_servers import ResourceServers
from idp.flows.senders import Senders
from idp.grants.grant_type import GrantType, Redemption, TokenRequest
from idp.protocol import details
from idp.protocol.carried import Carried
from idp.protocol.ciba import RT_HASH_CLAIM
from idp.protocol.claims import attribute_names, id_token_claims, told
from idp.protocol.client import Client
from idp.protocol.details import DetailType
from idp.protocol.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    OAuthError,
    UnauthorizedClient,
    UnsupportedGrantType,
    UseDpopNonce,
)
from idp.protocol.parameters import Parameters
from idp.protocol.resources import chosen, details_for, narrowed
from idp.protocol.tokens import AccessToken, access_token_claims, half_hash, token_answer
from idp.protocol.tokens import id_token_claims as claims_of_id_token
from idp.residents.port import Residents
from keystore.door import Door, Order, TokenKind

ATTEMPTS = 3
"""How often a request is judged when others are quicker each time."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The ``answer`` of the token endpoint; ``nonce`` goes with it as ``DPoP-Nonce``."""

    answer: dict[str, Any]
    nonce: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one issuer."""

    issuer: Issuer
    authentication: ClientAuthentication
    keys: IssuerKeys
    senders: Senders
    grant_types: Mapping[str, GrantType]
    residents: Residents
    nesting: Nesting
    resource_servers: ResourceServers
    detail_types: Mapping[str, DetailType]
    door: Door
    database: Database
    entropy: Entropy
    lifetimes: Lifetimes
    crash_here: CrashHere
    activating: Activating | None = None

    async def exchange(self, asked: Parameters, carried: Carried, now: int) -> Issued:
        """Return the answer of the token endpoint, or raise an OAuthError.

        Nothing that was signed leaves before the commit; when the commit's outcome is not known,
        DatabaseUnavailable goes through and the tokens are thrown away.
        """
        proven = await self.authentication.prove(asked, carried, now)
        try:
            return await self._exchange(asked, carried, proven, now)
        except OAuthError as refusal:
            # After a 503, and to bring a nonce, the client may repeat the very same request.
            if refusal.status != 503 and not isinstance(refusal, UseDpopNonce):
                await self.authentication.spend(proven)
            raise

    async def _exchange(
        self, asked: Parameters, carried: Carried, proven: Proven, now: int
    ) -> Issued:
        client = proven.client
        grant_type = self._grant_type(asked.require("grant_type"), client)
        sender = await self.senders.prove(carried, client, now)
        request = TokenRequest(
            asked=asked,
            client=client,
            sender=sender.confirmation,
            instance=instance_of(client, carried),
        )
        for _ in range(ATTEMPTS):
            redemption = await grant_type.redeem(request, now)
            if self.activating is not None:
                redemption = await self.activating.activated(redemption, request, now)
            answer = await self._signed(redemption, request, now)
            self.crash_here("before_commit")
            try:
                await self.database.submit(*redemption.writes, *sender.writes, *proven.writes)
            except Refused as refused:
                if any(refused.write is write for write in proven.writes):
                    raise InvalidClient("the assertion was used before") from None
                if any(refused.write is write for write in sender.writes):
                    raise InvalidDpopProof("the proof was used before") from None
                continue  # somebody was quicker: judge what is true now
            self.crash_here("after_commit")
            return Issued(answer, sender.nonce)
        raise InvalidGrant("used by another request at the same time")

    def _grant_type(self, name: str, client: Client) -> GrantType:
        grant_type = self.grant_types.get(name)
        if grant_type is None:
            raise UnsupportedGrantType("grant_type is not supported")
        if name not in client.grant_types:
            raise UnauthorizedClient("grant_type is not registered for this client")
        return grant_type

    async def _signed(
        self, redemption: Redemption, request: TokenRequest, now: int
    ) -> dict[str, Any]:
        """Sign everything in one call to the key service, and return the answer."""
        client, token = request.client, await self._access_token(redemption, request, now)
        claims = access_token_claims(redemption.authorization, token)
        orders = [Order(TokenKind.ACCESS_TOKEN, self.issuer.signing_algs[0], claims)]
        if "openid" in redemption.scope:
            orders.append(await self._id_token(redemption, client, now))
        self.crash_here("before_sign")
        access_token, *others = await self.door.sign(self.issuer.address, orders)
        self.crash_here("after_sign")
        self.keys.made(access_token)
        tokens: dict[str, Any] = {"access_token": access_token}
        for id_token in others:
            tokens["id_token"] = await self._nested(id_token, client)
        if redemption.refresh_token is not None:
            tokens["refresh_token"] = redemption.refresh_token
        return {**token_answer(tokens, token), **redemption.answer}

    async def pushed(self, redemption: Redemption, client: Client, now: int) -> dict[str, Any]:
        """Return what is pushed to the client: the ID token proves the others (CIBA §10.3.1)."""
        access_token, token = await self.access_token(redemption, client, now)
        alg = client.id_token_signed_response_alg
        hashes = {"at_hash": half_hash(access_token, alg)}
        tokens: dict[str, Any] = {"access_token": access_token}
        if redemption.refresh_token is not None:
            hashes[RT_HASH_CLAIM] = half_hash(redemption.refresh_token, alg)
            tokens["refresh_token"] = redemption.refresh_token
        proving = replace(redemption, id_token={**redemption.id_token, **hashes})
        tokens["id_token"] = await self.id_token(proving, client, now)
        return {**token_answer(tokens, token), **redemption.answer}

    async def access_token(
        self, redemption: Redemption, client: Client, now: int
    ) -> tuple[str, AccessToken]:
        """Return an access token that is bound to no key, and what it says."""
        request = TokenRequest(asked=Parameters(), client=client, sender=None)
        token = await self._access_token(redemption, request, now)
        claims = access_token_claims(redemption.authorization, token)
        order = Order(TokenKind.ACCESS_TOKEN, self.issuer.signing_algs[0], claims)
        [text] = await self.door.sign(self.issuer.address, [order])
        return text, token

    async def id_token(self, redemption: Redemption, client: Client, now: int) -> str:
        """Return an ID token, encrypted where the client registered that."""
        order = await self._id_token(redemption, client, now)
        [text] = await self.door.sign(self.issuer.address, [order])
        return await self._nested(text, client)

    async def _nested(self, id_token: str, client: Client) -> str:
        return await self.nesting.nest(
            id_token,
            client,
            client.id_token_encrypted_response_alg,
            client.id_token_encrypted_response_enc,
        )

    async def _access_token(
        self, redemption: Redemption, request: TokenRequest, now: int
    ) -> AccessToken:
        """Return the token for the resource servers it is meant for: no word that is none's."""
        authorization, asked = redemption.authorization, request.asked.words("resource")
        audience = redemption.audience or chosen(
            asked, authorization.resources, self.issuer.address
        )
        servers = await self.resource_servers.named(audience)
        most = (request.client.access_token_lifetime, *(server.lifetime for server in servers))
        lifetime = min((self.lifetimes.access_token, *(one for one in most if one is not None)))
        ends_at = now + lifetime
        wanted = details.narrowed(
            request.asked.get("authorization_details"), self.detail_types, authorization.details
        )
        granted = (*details_for(wanted, audience), *redemption.activated)
        return AccessToken(
            issuer=self.issuer.address,
            audience=audience,
            subject=authorization.subject,
            client_id=authorization.client_id,
            grant_id=authorization.grant_id,
            scope=narrowed(redemption.scope, servers, granted),
            id=self.entropy.token(16),
            issued_at=now,
            expires_at=min(ends_at, redemption.ends_at or ends_at),
            confirmation=request.sender,
            details=granted,
            actor=authorization.actor,
            may_act=request.client.may_act,
            auth_time=authorization.auth_time,
            acr=authorization.acr,
        )

    async def _id_token(self, redemption: Redemption, client: Client, now: int) -> Order:
        authorization = redemption.authorization
        person: dict[str, Any] = dict(redemption.id_token)
        asked = id_token_claims(authorization)
        if asked:
            attributes = await self.residents.attributes(
                authorization.resident_id, attribute_names(asked)
            )
            person |= told(attributes, asked, authorization.claims_locales)
        claims = claims_of_id_token(
            authorization,
            person,
            now=now,
            lifetime=self.lifetimes.id_token,
            fresh=redemption.fresh,
        )
        return Order(TokenKind.ID_TOKEN, client.id_token_signed_response_alg, claims)
