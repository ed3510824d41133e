"""Approving a device: the person's code leads to its request, and into a login (RFC 8628 §3.3)."""

from dataclasses import dataclass, replace

from config.runtime.database.unit import Refused
from config.runtime.journal import Fact
from config.runtime.limits import network_of
from idp.flows.device_guesses import DeviceGuesses
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.flows.login_ground import LoginGround, Visit
from idp.flows.me import Me
from idp.protocol import checks, device
from idp.protocol.client import Client
from idp.protocol.decoupled import Decoupled, Kind, Status
from idp.protocol.login import IllegalMove
from idp.protocol.parameters import Parameters
from keystore.door import MacPurpose


class UnknownCode(Exception):
    """No device waits for this code: it is mistyped, guessed, or too old."""


class UsedCode(Exception):
    """Somebody decided about this code already."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits for a decision, and whose it is."""

    request: Decoupled
    client: Client

    def is_near(self, visit: Visit) -> bool:
        """Return whether the device asked from the network that the person is in."""
        return self.request.asked_from == network_of(visit.address) != "unknown"


@dataclass(frozen=True, slots=True)
class DeviceApproval:
    """What a person can do with a user code."""

    flow: LoginFlow
    me: Me
    guesses: DeviceGuesses

    @property
    def ground(self) -> LoginGround:
        """Return what it stands on."""
        return self.flow.ground

    async def find(self, typed: str, visit: Visit, now: int) -> Waiting:
        """Return the device that waits for the code that was typed.

        Raises UnknownCode, UsedCode, and what ``DeviceGuesses.charge`` raises. A code with a slip
        of the finger is no guess, and costs nothing.
        """
        code = device.typed(typed)
        if code is None:
            raise UnknownCode
        person = await self.me.person(visit, now, recently=False)
        resident_id = None if person is None else person.resident.id
        charged = await self.guesses.charge(visit, resident_id, now)
        request = await self._with_code(code)
        if request is None or request.is_over(now):
            raise UnknownCode
        client = await self.ground.clients.find(request.client_id)
        if client is None or device.GRANT_TYPE not in client.grant_types:  # changed meanwhile
            raise UnknownCode
        await self.guesses.give_back(charged, now)
        if request.status is not Status.PENDING:
            raise UsedCode
        return Waiting(request, client)

    async def confirm(self, waiting: Waiting, visit: Visit, now: int) -> Draft:
        """The person's device shows this code: begin the login that approves it.

        What was asked is judged again, for the client may have changed meanwhile.
        """
        request, client = waiting.request, waiting.client
        asked, ground = Parameters(request.asked), self.ground
        judged = checks.authorization_request(
            device.case(ground.issuer, asked, client, ground.detail_types, ground.features)
        )
        wanted = replace(judged, decoupled=request.digest)
        return await self.flow.begin(wanted, client, visit, now, request.expires_at)

    async def deny(self, waiting: Waiting, now: int) -> None:
        """The person does not know this code: the device is told. Raises IllegalMove."""
        request = waiting.request
        fact = Fact(
            name="request.denied",
            at=now,
            about=request.digest.hex(),
            details={"client": request.client_id},
        )
        ground = self.ground
        try:
            await ground.database.submit(
                ground.stores.decoupled.move(request, request.deny()), ground.journal.write(fact)
            )
        except Refused:
            raise IllegalMove("decided meanwhile") from None

    async def _with_code(self, code: str) -> Decoupled | None:
        """Return this issuer's request with the code, under any key in use."""
        for mac in await self.ground.door.mac(MacPurpose.USER_CODE, code.encode()):
            request = await self.ground.stores.decoupled.with_code(mac.value)
            if request is not None and request.kind is Kind.DEVICE:
                return request if request.issuer == self.ground.issuer else None
        return None
