"""The bundle of evidence of a signed request: gathered, told to people too, sealed, time-stamped.

Everything in it was kept in the unit in which the signature was: results with the key service's
promises, what was approved, who was to sign. It is made anew whenever it is asked for, until the
request expires; from the next checkpoint on it holds the proofs of the audit log as well.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from esignet.flows.hosted import Parties
from esignet.flows.request_contents import SIGNERS, TOLD, Sealer, SignedDocument, ToApprove, result
from esignet.flows.requests import Requests
from esignet.flows.signing_parts import Made, Part
from esignet.formats.asic_cades import FORMAT as CONTAINER
from esignet.formats.format import Item, Level, Wish
from esignet.protocol.asking import encoded
from esignet.protocol.evidence import (
    ApprovedDocument,
    Promised,
    SignedPart,
    SignedSlot,
    evidence,
    promised,
    proof_name,
)
from esignet.protocol.signature_request import IllegalMove, SignatureRequest, State
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.door import Attested, Documents, EvidenceFile

MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"

_HASH = HashAlgorithm.SHA256
_AT_ONCE = 16


class Receipts(Protocol):
    """Tells people what the evidence says."""

    def written(
        self, names: dict[str, str], request: SignatureRequest, slots: Sequence[SignedSlot]
    ) -> dict[str, bytes]:
        """Return a receipt in HTML for each language; ``names`` are the client's by language."""
        ...


class Finishing(Protocol):
    """Raises what was sealed to its level and checks it (`esignet.flows.signing`)."""

    async def finished(self, parts: Sequence[Part], attested: Attested) -> list[Made]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Makes bundles. ``service`` and ``issuer`` are our addresses, as the evidence tells them."""

    requests: Requests
    documents: Documents
    finishing: Finishing
    parties: Parties
    receipts: Receipts
    service: str
    issuer: str

    async def bundle(self, identifier: str, client_id: str, now: int) -> bytes:
        """Return an ASiC-E container with the evidence, sealed at B-LT.

        Raises NoSuchRequest, IllegalMove, FormatError (an uploaded document is gone), and what is
        away: KeyServiceUnavailable, DatabaseUnavailable.
        """
        request = await self.requests.status(identifier, client_id)
        if request.state is not State.SIGNED:
            raise IllegalMove(request.told_state(now))
        sealer = await self.requests.contents.opened(request)
        labels = await self.requests.contents.part(sealer, SIGNERS)
        approvals = await self._approvals(sealer, request)
        slots = [
            await self._slot(sealer, request, place, label, approvals)
            for place, label in enumerate(labels)
        ]
        return await self._sealed(await self._files(request, slots, now))

    async def _approvals(
        self, sealer: Sealer, request: SignatureRequest
    ) -> dict[str, tuple[ApprovedDocument, ...]]:
        """Return what was approved by the hash of its list: so the promise itself says which."""
        found: dict[str, tuple[ApprovedDocument, ...]] = {}
        for number in range(len(request.slots)):
            sealed = await self.requests.store.part(request.id, TOLD, number)
            if sealed is None:
                continue
            told: tuple[ToApprove, ...] = await sealer.open(TOLD, sealed, number)
            hashed = list_hash(request.algorithm, [one.digest for one in told])
            found[encoded(hashed)] = tuple(
                ApprovedDocument(one.label, one.digest, one.file) for one in told
            )
        return found

    async def _slot(
        self,
        sealer: Sealer,
        request: SignatureRequest,
        place: int,
        label: str,
        approvals: dict[str, tuple[ApprovedDocument, ...]],
    ) -> SignedSlot:
        made: list[SignedDocument] = await self.requests.contents.parts(sealer, result(place))
        said = [promised(one.promise) for one in made]
        proofs = await self._proofs(said)
        parts = [
            SignedPart(
                name=one.name,
                file_name=one.file_name,
                media_type=one.media_type,
                digest=await self._digest(one),
                certificate=one.certificate,
                promise=one.promise,
                promised=promise,
                proof=proof,
            )
            for one, promise, proof in zip(made, said, proofs, strict=True)
        ]
        return SignedSlot(
            place=place,
            label=label,
            at=request.slots[place].signed_at,
            approved=approvals.get(said[0].digests, ()),
            parts=tuple(parts),
        )

    async def _proofs(self, said: Sequence[Promised]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for start in range(0, len(said), _AT_ONCE):
            some = said[start : start + _AT_ONCE]
            found += await asyncio.gather(*(self.documents.proof(one.about) for one in some))
        return found

    async def _digest(self, document: SignedDocument) -> bytes:
        if not document.upload:
            return await asyncio.to_thread(lambda: sha256(document.content).digest())
        hashed = sha256()
        octets = await self.requests.octets(document)
        async for piece in octets.whole():
            hashed.update(piece)
        return hashed.digest()

    async def _files(
        self, request: SignatureRequest, slots: Sequence[SignedSlot], now: int
    ) -> list[Item]:
        party = await self.parties.find(request.client_id)
        names = dict(party.names) if party else {"": request.client_id}
        shown = await self.documents.authority()
        told: dict[str, Any] = {"service": self.service, "issuer": self.issuer, "made_at": now}
        document = evidence(request, slots, shown.chains, {**told, "client_name": names})
        files = {
            "evidence.json": msgspec.json.format(msgspec.json.encode(document), indent=1),
            "audit-keys.json": shown.audit_keys,
            **self.receipts.written(names, request, slots),
            **dict(_proof_files(slots)),
        }
        return [
            Item(name=name, digest=_HASH.of(octets), media_type=_media_type(name), content=octets)
            for name, octets in files.items()
        ]

    async def _sealed(self, items: Sequence[Item]) -> bytes:
        prepared = CONTAINER.prepare(items, Wish(hash_algorithm=_HASH, envelope="asic-e"))
        files = [EvidenceFile(one.name, one.media_type, one.digest) for one in items]
        signed = await self.documents.seal_evidence(files)
        [made] = await self.finishing.finished(
            [Part(CONTAINER, prepared, Level.B_LT)], Attested([signed])
        )
        return made.document


def _proof_files(slots: Iterable[SignedSlot]) -> Iterable[tuple[str, bytes]]:
    for slot in slots:
        for number, part in enumerate(slot.parts):
            if part.proof:
                yield proof_name(slot.place, number), part.proof


def _media_type(name: str) -> str:
    return "text/html" if name.endswith(".html") else "application/json"
