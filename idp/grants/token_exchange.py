"""Token exchange: a token for somebody else's resource, in the name of who is there (RFC 8693)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact
from config.settings import Lifetimes
from idp.grants.grant_type import Redemption, TokenRequest
from idp.protocol import token_exchange
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, InvalidTarget, UnauthorizedClient
from idp.protocol.grant import Authorization, Grant, digest_of
from idp.protocol.parameters import Parameters
from idp.protocol.refresh import RefreshToken
from idp.protocol.token_exchange import ACCESS_TOKEN, REFRESH_TOKEN, Party
from idp.stores.clients import Clients
from idp.stores.grants import Grants
from idp.stores.records import Records
from idp.stores.refresh_tokens import RefreshTokens


class TokenReader(Protocol):
    """Reads tokens of one type that are to be exchanged."""

    async def read(self, token: str, client: Client, now: int) -> Party:
        """Return whom ``token`` speaks for, or raise InvalidRequest (§2.2.2).

        It is good now, its grant lives, its person is active, and ``client`` may present it.
        """
        ...


class Profile(Protocol):
    """A profile of token exchange that judges the whole request by itself."""

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchange:
    """``urn:ietf:params:oauth:grant-type:token-exchange``.

    ``readers`` is the table of token types that may be subjects, or act; ``profiles`` names those
    that begin with an actor token of a type of their own.
    """

    issuer: str
    readers: Mapping[str, TokenReader]
    profiles: Mapping[str, Profile]
    clients: Clients
    grants: Grants
    refresh_tokens: RefreshTokens
    records: Records
    entropy: Entropy
    lifetimes: Lifetimes

    name = token_exchange.GRANT_TYPE

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem. The subject token is not used up: its holder goes on with it."""
        asked, client = request.asked, request.client
        profile = self.profiles.get(asked.get("actor_token_type", ""))
        if profile is not None:
            return await profile.redeem(request, now)
        if client.is_public:
            raise UnauthorizedClient("a client that cannot authenticate exchanges no tokens")
        wanted = token_exchange.wanted_type(asked)
        subject, actor = await self._parties(asked, client, now)
        token_exchange.check_policy(subject, client)
        authorization = replace(
            self._descendant(subject),
            client_id=client.client_id,
            actor=token_exchange.actor_of(subject, actor, client),
            scope=token_exchange.scope_of(asked, subject, client),
            resources=token_exchange.targets_of(await self._named(asked), subject, client),
        )
        if wanted == REFRESH_TOKEN:
            return self._refreshable(authorization, subject, client, now)
        grant = self._grant(authorization, subject, self.lifetimes.access_token, now)
        return Redemption(
            authorization=authorization,
            scope=authorization.scope,
            audience=authorization.resources,
            ends_at=grant.expires_at,
            fresh=False,
            refresh_token=None,
            writes=self._opened(grant),
            answer={"issued_token_type": ACCESS_TOKEN},
        )

    def _descendant(self, subject: Party) -> Authorization:
        """Return what is left of the subject's authorization: nothing of the claims to be told."""
        before = subject.grant.authorization
        return replace(
            before,
            grant_id=self.entropy.token(16),
            grant_action="",
            claims=NOTHING,
            granted_claims=frozenset(),
            nonce=None,
            details=subject.details,
            bound_to=None,
            ancestors=(*before.ancestors, before.grant_id),
        )

    async def _parties(
        self, asked: Parameters, client: Client, now: int
    ) -> tuple[Party, Party | None]:
        asked.require("subject_token"), asked.require("subject_token_type")
        if ("actor_token" in asked) is not ("actor_token_type" in asked):
            raise InvalidRequest("actor_token and actor_token_type go together")
        subject = await self._party("subject_token", asked, client, now)
        if "actor_token" not in asked:
            return subject, None
        actor = await self._party("actor_token", asked, client, now)
        if actor.client_id != client.client_id or actor.actor is not None:
            raise InvalidRequest("the actor token was not issued to this client itself")
        return subject, actor

    async def _party(self, name: str, asked: Parameters, client: Client, now: int) -> Party:
        reader = self.readers.get(asked[f"{name}_type"])
        if reader is None:
            raise InvalidRequest(f"{name}_type is not supported")
        return await reader.read(asked[name], client, now)

    async def _named(self, asked: Parameters) -> list[str]:
        """Return the addresses of ``resource``, and of the clients in ``audience`` (§2.1)."""
        named = list(asked.words("resource"))
        for audience in asked.words("audience"):
            server = await self.clients.find(audience)
            if server is not None and server.issuer == self.issuer:
                if server.audience is None:
                    raise InvalidTarget("audience is no resource server")
                named.append(server.audience)
            else:
                named.append(audience)
        return named

    def _refreshable(
        self, authorization: Authorization, subject: Party, client: Client, now: int
    ) -> Redemption:
        """Return a refresh token alone: it stands where an access token would (§2.2.1)."""
        allowed = "refresh_token" in client.grant_types and "offline_access" in client.scope
        if not allowed or not authorization.has_person:
            raise UnauthorizedClient("this client gets no refresh tokens")
        if not subject.grant.authorization.is_offline:
            raise InvalidRequest("the subject token does not outlive the session")
        offline = replace(authorization, scope=(*authorization.scope, "offline_access"))
        grant = self._grant(offline, subject, self.lifetimes.grant, now)
        token = self.entropy.token()
        stored = RefreshToken(
            digest=digest_of(token),
            grant_id=offline.grant_id,
            issued_at=now,
            expires_at=grant.expires_at,
        )
        return Redemption(
            authorization=offline,
            scope=authorization.scope,
            audience=offline.resources,
            fresh=False,
            refresh_token=None,
            writes=(*self._opened(grant), self.refresh_tokens.insert(stored)),
            answer={
                "access_token": token,
                "issued_token_type": REFRESH_TOKEN,
                "token_type": "N_A",
                "expires_in": grant.expires_at - now,
            },
        )

    def _grant(
        self, authorization: Authorization, subject: Party, lifetime: int, now: int
    ) -> Grant:
        """Return the new grant: it ends with the one that it comes from at the latest."""
        ends_at = min(now + lifetime, subject.grant.expires_at)
        return Grant(
            authorization=authorization, created_at=now, updated_at=now, expires_at=ends_at
        )

    def _opened(self, grant: Grant) -> tuple[Write, ...]:
        authorization = grant.authorization
        fact = Fact(
            name="grant.exchanged",
            at=grant.created_at,
            about=authorization.grant_id,
            details={
                "client": authorization.client_id,
                "resident": authorization.resident_id,
                "from": authorization.ancestors[-1],
            },
        )
        return self.grants.insert(grant), *self.records.write(fact, authorization.client_id)
