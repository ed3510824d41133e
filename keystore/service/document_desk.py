"""Answers what one role asks about documents: permitted first, then done."""

import asyncio
from dataclasses import dataclass

from config.runtime.audit.sequencer import Sequencer
from config.runtime.clock import Clock
from config.runtime.database.unit import Database
from keystore.authority.authority import Authority
from keystore.authority.offline_upkeep import OfflineUpkeep
from keystore.authority.responder import Responder
from keystore.authority.revoking import Revoking
from keystore.authority.showing import Showing
from keystore.backends.backend import Algorithm
from keystore.door import NotPermitted
from keystore.jose import jwk
from keystore.keyring import KeyRing
from keystore.purposes import DocumentUse, OwnRing, OwnSecret, Role
from keystore.service import document_frames as frames
from keystore.service.credential_desk import CredentialDesk
from keystore.service.credential_frames import CredentialRequest, CredentialsAre
from keystore.service.frames import Octets
from keystore.service.seal_desk import SealDesk, SealRequest
from keystore.signing.attesting import Attesting
from keystore.signing.door import EvidenceFile, Imprint, SigningOrder
from keystore.signing.evidence import EvidenceSeal
from keystore.signing.log import proof_of
from keystore.signing.replay import Replay
from keystore.signing.signing import DocumentSigning
from keystore.stores.activations import forget
from keystore.timestamping.stamping import Stamping

_USES: dict[type, DocumentUse] = {
    frames.Activate: DocumentUse.ACTIVATE,
    frames.SignDocuments: DocumentUse.SIGN,
    frames.Stamp: DocumentUse.STAMP,
    frames.StampRequest: DocumentUse.STAMP,
    frames.Statuses: DocumentUse.STATUS,
    frames.StatusRequest: DocumentUse.STATUS,
    frames.ShowAuthority: DocumentUse.STATUS,
    frames.Prove: DocumentUse.STATUS,
    frames.RevokeCertificate: DocumentUse.REVOKE,
    frames.SealEvidence: DocumentUse.EVIDENCE,
    frames.SealDocuments: DocumentUse.SEAL,
    frames.AddOrganization: DocumentUse.ENROL,
    frames.ListOrganizations: DocumentUse.ENROL,
    frames.ChangeOrganization: DocumentUse.ENROL,
    frames.DisableOrganization: DocumentUse.ENROL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDesk:
    """Everything about documents that a key service does, with these rings of its ``own``."""

    ring: KeyRing
    own: tuple[OwnRing, ...]
    signing: DocumentSigning
    replay: Replay
    attesting: Attesting
    authority: Authority
    showing: Showing
    revoking: Revoking
    upkeep: OfflineUpkeep | None
    responder: Responder
    stamping: Stamping
    evidence: EvidenceSeal
    credentials: CredentialDesk
    seals: SealDesk
    database: Database
    clock: Clock

    @property
    def rings(self) -> tuple[OwnRing | OwnSecret, ...]:
        """Return the rings that have to be there before documents are signed."""
        return (*self.own, *(() if self.credentials.keys is None else OwnSecret))

    async def keep(self) -> None:
        """Certify keys that are new, and forget activations that expired, and what they signed."""
        await self.authority.refresh()
        if self.upkeep is not None:
            await self.upkeep.keep()
        await forget(self.database, self.clock.now())
        await self.replay.kept.forget(self.clock.now())
        await self.credentials.keep()
        await self.seals.enrolment.keep()

    async def keep_log(self, stop: asyncio.Event) -> None:
        """Order the audit log and sign its checkpoints until ``stop``."""
        await Sequencer(self.database, self.signing.checkpoint, self.clock).run(stop)

    async def answer(
        self, role: Role, request: frames.DocumentRequest | CredentialRequest
    ) -> frames.DocumentReply | CredentialsAre | Octets:
        """Return the reply, or raise NotPermitted, NotActivated, KeyServiceUnavailable."""
        if isinstance(request, CredentialRequest):
            return await self.credentials.answer(role, request)
        self.ring.use(role, _USES[type(request)])
        if isinstance(request, SealRequest):
            return await self.seals.answer(request)
        match request:
            case frames.Activate(number, approval):
                return Octets(number, (await self.signing.activate(approval)).encode())
            case frames.SignDocuments():
                return await self._signed(request)
            case frames.Prove(number, about):
                return Octets(number, await proof_of(self.database, about) or b"")
            case frames.RevokeCertificate(number, serial, reason):
                await self.revoking.revoke(serial, reason, self.clock.now())
                return Octets(number, b"")
            case frames.ShowAuthority(number):
                shown = await self.showing.shown(self.clock.now())
                keys = jwk.written(self.ring.own_keys(OwnRing.AUDIT), Algorithm.ES256)
                lists, older = list(shown.crls), list(shown.older)
                archiver = self.stamping.archiver
                return frames.AuthorityIs(number, list(shown.chains), lists, older, keys, archiver)
            case frames.SealEvidence(number, files):
                sealed = await self.evidence.sealed([EvidenceFile(*one) for one in files])
                return frames.DocumentsSigned(number, [frames.one_signed(sealed)])
            case _:
                return await self._evidence(request)

    async def _signed(self, request: frames.SignDocuments) -> frames.DocumentsSigned:
        order = SigningOrder(
            activation=request.activation,
            hash_algorithm=request.hash_algorithm,
            digests=request.digests,
            plans=request.plans,
            one_key=request.one_key,
        )
        made = await self.attesting.attested(order, request.beside)
        signed = [frames.one_signed(one) for one in made.signed]
        return frames.DocumentsSigned(
            request.id, signed, list(made.timestamps), dict(made.statuses)
        )

    async def _evidence(
        self,
        request: frames.Stamp | frames.StampRequest | frames.Statuses | frames.StatusRequest,
    ) -> frames.Many | Octets:
        now = self.clock.now()
        try:
            match request:
                case frames.Stamp(number, imprints, archive):
                    wanted = [Imprint(*one) for one in imprints]
                    tokens = await self.stamping.tokens(wanted, archive=archive)
                    return frames.Many(number, tokens)
                case frames.StampRequest(number, asked):
                    return Octets(number, await self.stamping.respond(asked))
                case frames.Statuses(number, certificates):
                    return frames.Many(number, await self.responder.statuses(certificates, now))
                case frames.StatusRequest(number, asked):
                    return Octets(number, await self.responder.respond(asked, now))
        except ValueError as reason:  # a digest or a certificate that is none
            raise NotPermitted(str(reason)) from reason
