"""Answers what is asked about seals: an operator enrols organisations, esignet has them seal."""

from dataclasses import dataclass

from keystore.seals.enrolment import Enrolment
from keystore.service import document_frames as frames
from keystore.service.frames import Octets
from keystore.signing.door import SigningOrder
from keystore.signing.replay import Replay

SealRequest = (
    frames.SealDocuments
    | frames.AddOrganization
    | frames.ListOrganizations
    | frames.ChangeOrganization
    | frames.DisableOrganization
)


@dataclass(frozen=True, slots=True)
class SealDesk:
    """What was permitted comes here. ``replay`` seals an order once, however often it comes."""

    enrolment: Enrolment
    replay: Replay

    async def answer(self, request: SealRequest) -> frames.DocumentReply | Octets:
        """Return the reply, or raise NotPermitted, NotActivated, KeyServiceUnavailable."""
        match request:
            case frames.SealDocuments():
                return await self._sealed(request)
            case frames.AddOrganization(number, asked):
                return frames.OrganizationsAre(number, [await self.enrolment.add(asked)])
            case frames.ListOrganizations(number, ""):
                return frames.OrganizationsAre(number, await self.enrolment.every())
            case frames.ListOrganizations(number, identifier):
                return frames.OrganizationsAre(number, [await self.enrolment.show(identifier)])
            case frames.ChangeOrganization(number, change):
                return frames.OrganizationsAre(number, [await self.enrolment.change(change)])
            case frames.DisableOrganization(number, identifier):
                await self.enrolment.disable(identifier)
                return Octets(number, b"")

    async def _sealed(self, request: frames.SealDocuments) -> frames.DocumentsSigned:
        order = SigningOrder(
            activation=request.authorization,
            hash_algorithm=request.hash_algorithm,
            digests=request.digests,
            plans=request.plans,
        )
        signed = [frames.one_signed(one) for one in await self.replay.signed(order)]
        return frames.DocumentsSigned(request.id, signed)
