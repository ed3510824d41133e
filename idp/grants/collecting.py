"""Collecting what a person approved on another device: by device_code, or by auth_req_id."""

from dataclasses import dataclass, replace

from config.runtime.limits import Charge, Limits, Rate
from idp.grants.grant_type import Redemption, TokenRequest
from idp.grants.opening import Opening
from idp.grants.revocation import Revocation
from idp.protocol.decoupled import Decoupled, Kind, Status
from idp.protocol.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidGrant,
    SlowDown,
)
from idp.protocol.grant import Authorization, digest_of
from idp.residents.port import Residents, State
from idp.stores.decoupled import DecoupledRequests
from idp.stores.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """Judges polls (RFC 8628 §3.5, CIBA Core 1.0 §11), and opens the grant once."""

    requests: DecoupledRequests
    sessions: Sessions
    residents: Residents
    opening: Opening
    limits: Limits
    revocation: Revocation

    async def collect(self, kind: Kind, secret: str, asked: TokenRequest, now: int) -> Redemption:
        """Return the tokens' authorization, or raise the OAuthError that says how it stands.

        A poll that finds nothing new writes nothing. Another client's secret tells and changes
        nothing. A device_code that was used may be known to two, so what it produced is revoked;
        who uses an auth_req_id is proven, and may have polled twice at once.
        """
        request = await self.requests.find(digest_of(secret))
        client_id = asked.client.client_id
        if request is None or request.kind is not kind or request.client_id != client_id:
            raise InvalidGrant("there is no such request of this client")
        if request.status is Status.REDEEMED:
            if kind is Kind.DEVICE:
                assert request.authorization is not None
                await self.revocation.end(request.authorization, "request_replayed", now)
            raise InvalidGrant("the tokens of this request were collected before")
        if request.is_over(now):
            raise ExpiredToken("the request lapsed before the person decided")
        if request.status is Status.DENIED:
            raise AccessDenied("the person did not agree")
        if request.authorization is None:
            raise await self._waiting(request, now)
        return await self._approved(request, request.authorization, asked, now)

    async def _waiting(self, request: Decoupled, now: int) -> AuthorizationPending | SlowDown:
        """Return what is told to who asks while nothing was decided, or sooner than allowed."""
        # Clocks count whole seconds: two polls that are ``interval`` apart may look a second less.
        rate = Rate(1, max(1, request.interval - 1))
        charge = Charge(f"poll:{request.digest.hex()}", rate)
        verdict = await self.limits.spend((charge,), now)
        if verdict.allowed:
            return AuthorizationPending("the person has not decided yet")
        return SlowDown("wait 5 seconds longer between two polls")

    async def _approved(
        self, request: Decoupled, given: Authorization, asked: TokenRequest, now: int
    ) -> Redemption:
        resident = await self.residents.get(given.resident_id)
        if resident is None or resident.state is not State.ACTIVE:  # locked since (attack A21)
            raise InvalidGrant("the person cannot be acted for at present")
        if not given.is_offline and not await self._goes_on(given, now):
            raise InvalidGrant("the person signed out before the tokens were collected")
        authorization = replace(given, bound_to=asked.binding)
        opened = await self.opening.open(authorization, asked.client, now)
        return Redemption(
            authorization=opened.authorization,
            scope=opened.authorization.scope,
            fresh=True,
            refresh_token=opened.refresh_token,
            writes=(self.requests.move(request, request.redeem(opened.ends_at)), *opened.writes),
            answer=opened.answer,
            signature=given.signature,
            change=given.change,
        )

    async def _goes_on(self, given: Authorization, now: int) -> bool:
        """Return whether the session lives: what does not outlive it is not begun after it."""
        ends = await self.sessions.ends_at(given.session_id, given.resident_id, now)
        return ends is not None
