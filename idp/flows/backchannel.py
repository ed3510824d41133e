"""Backchannel authentication: a client asks, without a browser, that a person be authenticated.

OpenID Connect CIBA Core 1.0 §7. The person approves elsewhere: ``idp.flows.approvals``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.runtime.database.unit import Database, Refused, Write
from config.runtime.entropy import Entropy
from config.runtime.journal import Fact, Journal
from config.settings import Features
from config.settings.backchannel import Backchannel as Settings
from idp.authentication_devices.device import AuthenticationDevice, Summons
from idp.flows.backchannel_objects import BackchannelObjects, Stated
from idp.flows.backchannel_people import BackchannelPeople
from idp.flows.clients import ClientAuthentication, Proven
from idp.flows.issuer_keys import IssuerKeys
from idp.flows.notices import Held, Notices
from idp.protocol import checks, ciba
from idp.protocol.authorization import ReplyTo, VerifiedHint
from idp.protocol.carried import Carried
from idp.protocol.case import Case, Endpoint
from idp.protocol.ciba import BackchannelCase
from idp.protocol.client import Client
from idp.protocol.decoupled import Decoupled, Kind
from idp.protocol.details import DetailType
from idp.protocol.errors import (
    InvalidClient,
    InvalidRequest,
    OAuthError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnknownUserId,
)
from idp.protocol.grant import digest_of
from idp.protocol.parameters import Parameters
from idp.residents.port import Resident, Residents
from idp.stores.decoupled import DecoupledRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A request that is ready to be kept, with its secret and everything that belongs to it."""

    request: Decoupled
    auth_req_id: str
    resident: Resident | None
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backchannel:
    """The backchannel authentication endpoint of one issuer."""

    issuer: str
    settings: Settings
    authentication: ClientAuthentication
    objects: BackchannelObjects
    keys: IssuerKeys
    people: BackchannelPeople
    residents: Residents
    devices: Sequence[AuthenticationDevice]
    decoupled: DecoupledRequests
    notices: Notices
    detail_types: Mapping[str, DetailType]
    features: Features
    database: Database
    journal: Journal
    entropy: Entropy

    async def begin(self, asked: Parameters, carried: Carried, now: int) -> dict[str, Any]:
        """Return the answer to the client (CIBA §7.3), or raise an OAuthError (§13)."""
        proven = await self.authentication.prove(asked, carried, now)
        try:
            return await self._begin(asked, proven, now)
        except OAuthError as refusal:
            if refusal.status != 503:  # otherwise the client may repeat the very same request
                await self.authentication.spend(proven)
            raise

    async def _begin(self, asked: Parameters, proven: Proven, now: int) -> dict[str, Any]:
        client = proven.client
        if ciba.GRANT_TYPE not in client.grant_types:
            raise UnauthorizedClient("this client may not use backchannel authentication")
        await self.people.admit(client, now)
        stated = await self.objects.read(asked, client, now)
        hint = await self._judged(stated, client)
        resident = await self.people.named(stated.asked, hint, client, now)
        if resident is None and self.settings.strangers == "told":
            raise UnknownUserId("nobody who can be asked is known by this hint")
        made = await self._made(stated, client, resident, now)
        await self._keep(made, stated, proven, now)
        return _answer(made, client)

    async def _judged(self, stated: Stated, client: Client) -> VerifiedHint | None:
        """Return whom the id_token_hint names, if there is one, once every check is passed."""
        ciba.check(BackchannelCase(asked=stated.asked, client=client, signed=stated.signed))
        hint = None
        if "id_token_hint" in stated.asked:
            hint = await self.keys.hint(stated.asked["id_token_hint"])
        checks.authorization_request(
            Case(
                asked=stated.asked,
                client=client,
                reply_to=end_page(self.issuer),
                hint=hint,
                endpoint=Endpoint.BACKCHANNEL,
                detail_types=self.detail_types,
                features=self.features,
            )
        )
        return hint

    async def _made(
        self, stated: Stated, client: Client, resident: Resident | None, now: int
    ) -> Made:
        auth_req_id = self.entropy.token()
        lifetime = ciba.lifetime_of(stated.asked, self.settings.lifetime, self.settings.longest)
        summons = Summons(
            issuer=self.issuer,
            client=client,
            resident_id=None if resident is None else resident.id,
            binding_message=stated.asked.get("binding_message", ""),
            number=self.entropy.digits(2) if client.number_match else "",
            at=now,
            ends_at=now + lifetime,
        )
        brought = [await device.bring(summons) for device in self.devices]
        codes = [one.code_digest for one in brought if one.code_digest is not None]
        request = Decoupled(
            digest=digest_of(auth_req_id),
            kind=Kind.BACKCHANNEL,
            issuer=self.issuer,
            client_id=client.client_id,
            asked=tuple((name, stated.asked[name]) for name in ciba.KEPT if name in stated.asked),
            interval=self.settings.interval,
            created_at=now,
            expires_at=summons.ends_at,
            code_digest=next(iter(codes), None),
            resident_id=summons.resident_id,
            binding_message=summons.binding_message,
            number=summons.number,
        )
        token = stated.asked.get("client_notification_token", "")
        held = Held(auth_req_id=auth_req_id, token=token)
        request = await self.notices.hold(request, client, held)
        writes = tuple(write for one in brought for write in one.writes)
        return Made(request=request, auth_req_id=auth_req_id, resident=resident, writes=writes)

    async def _keep(self, made: Made, stated: Stated, proven: Proven, now: int) -> None:
        """Write all of it as one unit: what was signed is used up, the person is asked."""
        found_by = made.resident.found_by if made.resident else ""
        fact = Fact(
            name="backchannel.requested",
            at=now,
            about=made.request.digest.hex(),
            details={"client": proven.client.client_id},
        )
        try:
            await self.database.submit(
                self.decoupled.add(made.request),
                *made.writes,
                *((self.residents.use(found_by, now),) if found_by else ()),
                *stated.writes,
                *proven.writes,
                self.journal.write(fact),
            )
        except Refused as refused:
            if any(refused.write is write for write in proven.writes):
                raise InvalidClient("the assertion was used before") from None
            if any(refused.write is write for write in stated.writes):
                raise InvalidRequest("the request object was used before") from None
            # A number of one use was spent by another request at this moment.
            raise TemporarilyUnavailable("try again") from None


def end_page(issuer: str) -> ReplyTo:
    """Return where the person's browser ends: it goes back to no client."""
    return ReplyTo(f"{issuer.rstrip('/')}/approvals/done", "query", None, issuer)


def _answer(made: Made, client: Client) -> dict[str, Any]:
    """Return the answer to the client (CIBA §7.3); ``number_match`` is an extension of ours."""
    request = made.request
    answer: dict[str, Any] = {
        "auth_req_id": made.auth_req_id,
        "expires_in": request.expires_at - request.created_at,
    }
    if client.backchannel_token_delivery_mode != ciba.PUSH:
        answer["interval"] = request.interval
    if request.number:
        answer["number_match"] = request.number
    return answer
