"""Who calls the signing service: access tokens, judged as their issuer's own resources judge them.

What judges them is idp's; the signing service knows only what the token says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from config.runtime.malformed import Malformed
from config.runtime.web import Call
from config.runtime.web.challenges import Schemes
from config.settings import Issuer
from config.wiring.senders import access, dpop_proofs
from config.wiring.world import World
from esignet.flows.csc_approvals import NoToken, Presented
from idp.endpoints.machine import carried
from idp.flows.access import Access, Holder
from idp.flows.dpop_nonces import DpopNonces
from idp.flows.issuer_keys import IssuerKeys
from idp.protocol.carried import Carried
from idp.protocol.errors import InvalidDpopProof, OAuthError, UseDpopNonce
from idp.protocol.presented_token import PresentedToken, Scheme, presented_token
from idp.protocol.tokens import AccessToken
from idp.stores.grants import Grants
from keystore.door import MacPurpose


@dataclass(frozen=True, slots=True)
class TokenCaller:
    """What an access token that was judged says of its caller.

    ``resident_id`` is whose consent it stands on, as far as that was looked at; it stays in here.
    """

    token: AccessToken
    resident_id: str = ""

    @property
    def client_id(self) -> str:
        """Return whose token it is."""
        return self.token.client_id

    @property
    def subject(self) -> str:
        """Return of whom it is, as the client knows them; the client itself for its own."""
        return self.token.subject

    @property
    def scope(self) -> frozenset[str]:
        """Return the words of its scope."""
        return frozenset(self.token.scope)

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        """Return its authorization details (RFC 9396 §9.1)."""
        return self.token.details

    @property
    def expires_at(self) -> int:
        """Return when it ends (NumericDate)."""
        return self.token.expires_at

    @property
    def bound_to(self) -> str:
        """Return the thumbprint of what its holder has to prove, or nothing."""
        bound = self.token.confirmation
        return "" if bound is None else bound.jkt or bound.x5t or ""


@dataclass(frozen=True, slots=True)
class IssuerBearers:
    """Judges tokens that ``access``'s issuer made for this service."""

    access: Access

    @property
    def schemes(self) -> Schemes:
        """Return how tokens may be brought."""
        return self.access.schemes

    async def presented(self, call: Call, now: int) -> Presented | None:
        """Return who calls, None without a token; NoToken for one that is not good."""
        scheme = Scheme.BEARER
        try:
            brought = carried(call)
            token = presented_token(brought.authorization, None)
            if token is None:
                return None
            scheme = token.scheme
            holder = await self.access.presented(token, brought, now)
            await self.access.check_person(holder)
        except Malformed as refusal:
            raise NoToken("invalid_request", refusal.description, scheme) from refusal
        except OAuthError as refusal:
            raise _no_token(refusal, scheme) from refusal
        return Presented(_caller(holder), token.token, scheme, holder.nonce)

    async def read(self, token: str, now: int) -> TokenCaller:
        """Return what a token in a body says; who holds it was proved by the one in the header."""
        try:
            return TokenCaller(await self.access.glance(token, now))
        except OAuthError as refusal:
            raise NoToken from refusal

    async def of_person(self, token: str, now: int) -> TokenCaller:
        """Return what a token says that was given to this service itself, and whose it is."""
        try:
            presented = PresentedToken(Scheme.BEARER, token)
            nothing = Carried(method="", address="")
            holder = await self.access.presented(presented, nothing, now)
            await self.access.check_person(holder)
        except OAuthError as refusal:
            raise NoToken from refusal
        return _caller(holder)


def _no_token(refusal: OAuthError, scheme: Scheme) -> NoToken:
    """Return what the caller is told: what is wrong with a proof is told of the scheme DPoP."""
    if isinstance(refusal, UseDpopNonce):
        return NoToken(refusal.code, refusal.description, Scheme.DPOP, refusal.nonce)
    if isinstance(refusal, InvalidDpopProof):
        scheme = Scheme.DPOP
    return NoToken(refusal.code, refusal.description, scheme)


def _caller(holder: Holder) -> TokenCaller:
    authorization = holder.authorization
    return TokenCaller(holder.token, authorization.resident_id if authorization.has_person else "")


def bearers(world: World, issuer: Issuer, service: str) -> IssuerBearers:
    """Return what judges tokens of ``issuer`` that are meant for the address ``service``."""
    keys = IssuerKeys(issuer.address, world.door)
    proofs = dpop_proofs(world, issuer)
    if proofs is not None and proofs.nonces is not None:
        nonces = DpopNonces(service, world.door, world.clock, MacPurpose.SERVICE_NONCE)
        proofs = replace(proofs, nonces=nonces)
    judging = access(world, keys, Grants(world.database), proofs)
    return IssuerBearers(replace(judging, issuer=service))
