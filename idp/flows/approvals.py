"""What a person does with a backchannel request: approve it, by a login, or say no.

OpenID Connect CIBA Core 1.0 §8. The person is fixed: whoever else logs in approves nothing.
"""

import hmac
from dataclasses import dataclass, replace

from config.runtime.audit.records import AuditEntry
from config.runtime.database.unit import Refused, Write
from config.runtime.journal import Fact
from idp.factors.numerals import typed_digits
from idp.flows.backchannel import end_page
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround, Visit, digest
from idp.flows.login_subjects import subject_of
from idp.flows.me import RECENTLY
from idp.protocol import checks
from idp.protocol.authorization import AuthorizationRequest, VerifiedHint
from idp.protocol.case import Case, Endpoint
from idp.protocol.client import Client
from idp.protocol.decoupled import Decoupled, Kind, Status
from idp.protocol.login import IllegalMove
from idp.protocol.parameters import Parameters
from idp.stores.history import REFUSED, Event

MISTAKES = 3
"""Wrong numbers after which a request is over: whoever sees the client's screen needs one."""


class RequestOver(IllegalMove):
    """Nothing can happen to the request any more: it was answered, or it took too long."""


class WrongNumber(Exception):
    """The number is not the one that the client shows."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for the person, and who asks."""

    request: Decoupled
    client: Client


@dataclass(frozen=True, slots=True)
class Approvals:
    """The backchannel requests of one issuer, as people see them."""

    flow: LoginFlow

    @property
    def _ground(self) -> LoginGround:
        return self.flow.ground

    async def of(self, resident_id: str, now: int) -> list[Waiting]:
        """Return what waits for this person, the first to expire in front."""
        found = await self._ground.stores.decoupled.of_resident(resident_id, now)
        waiting = [await self._waiting(request, now) for request in found]
        return [one for one in waiting if one is not None]

    async def linked(self, secret: str, now: int) -> Waiting:
        """Return what the secret of a link leads to, or raise RequestOver."""
        found = await self._ground.stores.decoupled.with_code(digest(secret))
        waiting = None if found is None else await self._waiting(found, now)
        if waiting is None:
            raise RequestOver("the request is over")
        return waiting

    async def approve(self, waiting: Waiting, typed: str, visit: Visit, now: int) -> Draft:
        """Begin the login that approves the request. Raises WrongNumber, and RequestOver.

        The person has to have proven themselves recently: a browser that was left open is not
        enough.
        """
        await self._match(waiting, typed, now)
        request = await self._login_request(waiting)
        return await self.flow.begin(
            request, waiting.client, visit, now, waiting.request.expires_at
        )

    async def reject(self, waiting: Waiting, now: int) -> None:
        """The person says no, which needs no login. Raises RequestOver."""
        await self._end(waiting, now)

    async def _waiting(self, request: Decoupled, now: int) -> Waiting | None:
        if (
            request.kind is not Kind.BACKCHANNEL
            or request.issuer != self._ground.issuer
            or request.status is not Status.PENDING
            or request.is_over(now)
        ):
            return None
        client = await self._ground.clients.find(request.client_id)
        return None if client is None else Waiting(request, client)

    async def _match(self, waiting: Waiting, typed: str, now: int) -> None:
        request = waiting.request
        if not request.number:
            return
        digits = typed_digits(typed, len(request.number), len(request.number)) or ""
        if hmac.compare_digest(digits, request.number):
            return
        if request.mistakes + 1 >= MISTAKES:
            await self._end(waiting, now)
            raise RequestOver("too many wrong numbers")
        await self._submit(self._ground.stores.decoupled.move(request, request.mistake()))
        raise WrongNumber

    async def _login_request(self, waiting: Waiting) -> AuthorizationRequest:
        """Return the request of the login, which only the person that was named can end."""
        ground, client = self._ground, waiting.client
        assert waiting.request.resident_id is not None
        subject, kept = await subject_of(ground, client, waiting.request.resident_id)
        if kept is not None:
            try:
                await ground.database.submit(kept)
            except Refused:  # another request made it at the same moment
                subject, _ = await subject_of(ground, client, waiting.request.resident_id)
        request = checks.authorization_request(
            Case(
                asked=Parameters(waiting.request.asked),
                client=client,
                reply_to=end_page(ground.issuer),
                hint=VerifiedHint(subject=subject, audience=(client.client_id,), session=None),
                endpoint=Endpoint.BACKCHANNEL,
                detail_types=ground.detail_types,
                features=ground.features,
            )
        )
        max_age = RECENTLY if request.max_age is None else min(request.max_age, RECENTLY)
        return replace(request, max_age=max_age, decoupled=waiting.request.digest)

    async def _end(self, waiting: Waiting, now: int) -> None:
        ground, request = self._ground, waiting.request
        assert request.resident_id is not None
        event = Event(
            id=ground.entropy.token(16),
            issuer=ground.issuer,
            resident_id=request.resident_id,
            at=now,
            client_id=request.client_id,
            factors=(),
            outcome=REFUSED,
        )
        entry = AuditEntry(
            at=now,
            actor=request.resident_id,
            action="request.denied",
            about=request.digest.hex(),
            details={"client": request.client_id},
        )
        await self._submit(
            ground.stores.decoupled.move(request, request.deny()),
            *await ground.notices.denied(request, waiting.client),
            ground.stores.history.add(event),
            ground.audit.write(entry),
            ground.journal.write(Fact(name=entry.action, at=now, about=entry.about)),
        )

    async def _submit(self, *writes: Write) -> None:
        try:
            await self._ground.database.submit(*writes)
        except Refused:
            raise RequestOver("the request was moved meanwhile") from None
