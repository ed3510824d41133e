"""Assertions of trusted issuers, exchanged for access tokens (RFC 7523 §2.1, RFC 7521 §4.1)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.settings.trust import TrustedIssuer
from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.opening import Opening
from idp.protocol import jwt_bearer
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient, InvalidGrant, UnauthorizedClient
from idp.protocol.grant import Authorization
from idp.protocol.jwt_bearer import TYPS, Assertion
from idp.protocol.resources import check_asked
from idp.residents.port import Residents, State
from idp.stores.used import Used
from keystore.jose.jwk import JwkSet
from keystore.jose.reader import BadToken, Parsed, Rules, Verified, parse, verify

SubjectOf = Callable[[Client, str], Awaitable[tuple[str, Write | None]]]
"""Returns what a client calls a resident, and the write that keeps it when it is new."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Where the keys of a trusted issuer are."""

    jwks: bytes | None
    jwks_uri: str | None


class KeySource(Protocol):
    """Public keys, as they are given or published somewhere."""

    async def of(self, holder: _Keys, /, alg: str, kid: str | None) -> JwkSet:
        """Return the keys, or raise InvalidClient where there are none that can be used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearer:
    """``urn:ietf:params:oauth:grant-type:jwt-bearer``. There are no refresh tokens.

    No person is asked, so no claim of theirs is told: a client learns their subject alone.
    """

    issuer: str
    trusted: Sequence[TrustedIssuer]
    keys: KeySource
    residents: Residents
    subject_of: SubjectOf
    used: Used
    opening: Opening
    entropy: Entropy

    name = jwt_bearer.GRANT_TYPE

    async def redeem(self, request: TokenRequest, now: int) -> Redemption:
        """See GrantType.redeem. An assertion is used once."""
        asked, client = request.asked, request.client
        if client.is_public:
            raise UnauthorizedClient("a client that cannot authenticate presents no assertions")
        check_asked(asked.words("resource"), client)
        trust, verified = await self._verified(asked.require("assertion"), client)
        assertion = jwt_bearer.accept(verified.claims, trust, client, now)
        scope = jwt_bearer.scope_of(asked, trust, client)
        resident_id, subject, writes = "", client.client_id, tuple[Write, ...]()
        if trust.vouches_for == "resident":
            resident_id, subject, writes = await self._resident(assertion, client, now)
        authorization = replace(
            self._nobodys(client, scope),
            resident_id=resident_id,
            subject=subject,
            resources=asked.words("resource"),
        )
        opened = await self.opening.open(authorization, client, now)
        once = self.used.once(
            "jwt-bearer",
            trust.issuer,
            assertion.id,
            assertion.expires_at,
            assertion.usable_since,
        )
        return Redemption(
            authorization=authorization,
            scope=scope,
            fresh=False,
            refresh_token=None,
            writes=(once, *writes, *opened.writes),
        )

    def _nobodys(self, client: Client, scope: tuple[str, ...]) -> Authorization:
        """Return what the client itself may do."""
        return Authorization(
            grant_id=self.entropy.token(16),
            issuer=self.issuer,
            client_id=client.client_id,
            resident_id="",
            subject=client.client_id,
            scope=scope,
            claims=NOTHING,
            granted_claims=frozenset(),
            claims_locales=(),
            session_id="",
            auth_time=None,
            acr=None,
            amr=(),
            nonce=None,
            auth_time_asked=False,
        )

    async def _verified(self, text: str, client: Client) -> tuple[TrustedIssuer, Verified]:
        try:
            parsed = parse(text)
        except BadToken:
            raise InvalidGrant("the assertion is malformed") from None
        trust = jwt_bearer.trusted(parsed.claims, client, self.trusted)
        return trust, await self._proven(parsed, trust)

    async def _proven(self, parsed: Parsed, trust: TrustedIssuer) -> Verified:
        alg, kid = str(parsed.header.get("alg")), parsed.header.get("kid")
        holder = _Keys(trust.jwks.encode() or None, trust.jwks_uri or None)
        try:
            keys = await self.keys.of(holder, alg, kid)
            return verify(parsed, keys, Rules(algs=frozenset(trust.algorithms), typs=TYPS))
        except (BadToken, InvalidClient):
            raise InvalidGrant("the signature of the assertion does not fit") from None

    async def _resident(
        self, assertion: Assertion, client: Client, now: int
    ) -> tuple[str, str, tuple[Write, ...]]:
        """Return the resident, what the client calls them, and what is written of that."""
        resident = await self.residents.find(assertion.names, now)
        if resident is None or resident.state is not State.ACTIVE:
            raise InvalidGrant("the assertion names nobody who is known here")
        subject, kept = await self.subject_of(client, resident.id)
        writes = () if kept is None else (kept,)
        if resident.found_by:
            writes = (*writes, self.residents.use(resident.found_by, now))
        return resident.id, subject, writes
