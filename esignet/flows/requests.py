"""Signature requests of clients: made once, shown, given up, signed, and answered until they end.

What a request holds lies encrypted under a key of its own (`esignet.flows.request_contents`); how
it is signed so that nobody's death loses or doubles a signature: `esignet.flows.request_signing`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Refused
from config.runtime.readable import Readable, held
from esignet.flows.csc_approvals import Caller
from esignet.flows.request_contents import (
    DOCUMENTS,
    SIGNERS,
    TOLD,
    Contents,
    SignedDocument,
    result,
)
from esignet.flows.request_creating import Creating, NoSuchRequest, Shown
from esignet.flows.request_signing import (
    LEASE,
    Busy,
    NotApproved,
    Notices,
    RequestSigning,
)
from esignet.formats.format import Prepared
from esignet.protocol.activation_subject import approval_hash, signer_hash
from esignet.protocol.asking import Asked
from esignet.protocol.csc.approval import Approved, approved
from esignet.protocol.signature_request import (
    Event,
    IllegalMove,
    SignatureRequest,
    Slot,
    State,
)
from esignet.stores.creation_keys import Once
from esignet.stores.requests import SignatureRequests

USED_UP = 3600
"""Seconds for which it is known which request an approval was given to: it is good for 300."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSee:
    """A document that waits for a signature; ``content`` is None where it stays with the client.

    ``digest`` is what is approved, ``file`` the digest of the document as it is, of ``size``
    octets. Where ``upload`` names a PDF that lies elsewhere, ``content`` is what was appended.
    """

    label: str
    digest: bytes
    file: bytes
    media_type: str
    content: bytes | None
    size: int
    upload: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request with the documents that the next signer approves."""

    request: SignatureRequest
    documents: tuple[ToSee, ...]
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Signature requests. Every method may raise DatabaseUnavailable and KeyServiceUnavailable."""

    store: SignatureRequests
    contents: Contents
    creating: Creating
    signing: RequestSigning
    notices: Notices

    async def create(
        self, client_id: str, asked: Asked, now: int, once: Once | None = None
    ) -> Shown:
        """Return a new request; under the same key of ``once`` the one that was made before.

        Raises BadRequest, PdfBusy, TooMany, KeyReused, IllegalMove (that one has ended).
        """
        return await self.creating.created(client_id, asked, now, once)

    async def status(self, identifier: str, client_id: str) -> SignatureRequest:
        """Return a request of this client, or raise NoSuchRequest."""
        found = await self.store.find(identifier, client_id)
        if found is None:
            raise NoSuchRequest
        return found

    async def shown(self, identifier: str, client_id: str, now: int) -> Shown:
        """Return a request with what is approved next, and go on with one that was left."""
        request = await self.status(identifier, client_id)
        self.signing.nudge(request, now)
        state = request.told_state(now)
        if request.is_expired(now) or (state.is_final and state is not State.SIGNED):
            return Shown(request, (), ())
        sealer = await self.contents.opened(request)
        signers = await self.contents.part(sealer, SIGNERS)
        if state is not State.OPEN:
            return Shown(request, (), signers)
        return Shown(request, await self.contents.part(sealer, TOLD, request.signatures), signers)

    async def to_approve(self, identifier: str, now: int) -> Waiting:
        """Return an open request with its documents, for whoever signs next.

        Raises NoSuchRequest, IllegalMove.
        """
        request = await self.store.find(identifier)
        if request is None:
            raise NoSuchRequest
        if request.told_state(now) is not State.OPEN:
            raise IllegalMove(request.told_state(now))
        sealer = await self.contents.opened(request)
        prepared: list[Prepared] = await self.contents.part(sealer, DOCUMENTS)
        documents = [
            await self._to_see(request, one, place)
            for one in prepared
            for place in range(len(one.digests))
        ]
        return Waiting(request, tuple(documents), await self.contents.part(sealer, SIGNERS))

    async def cancel(self, identifier: str, client_id: str, now: int) -> None:
        """End an open request and destroy what it holds, or raise NoSuchRequest or IllegalMove."""
        request = await self.status(identifier, client_id)
        await self._end(request, request.cancelled(now), Event.CANCELLED, now)

    async def reject(self, identifier: str, client_id: str, reason: str, now: int) -> None:
        """End an open request because a person would not sign; ``reason`` is a word."""
        request = await self.status(identifier, client_id)
        await self._end(request, request.rejected(reason, now), Event.REJECTED, now)

    async def sign(
        self, identifier: str, caller: Caller, now: int, wanted: int | None = None
    ) -> list[SignedDocument]:
        """Return the documents, signed under the approval that the caller brings.

        ``wanted`` is the slot that is signed where their order is free. The same approval is
        answered with the same documents. Raises NoSuchRequest, IllegalMove, NotApproved (it is
        open), SignedAlready, Busy, FormatError (it has failed), PdfBusy.
        """
        request = await self.status(identifier, caller.client_id)
        given = approved(caller.details)
        if given is None or given.credential:
            raise NotApproved
        approval = approval_hash(given.activation)
        place = request.approved_by(approval)
        if place is not None:
            return await self._same(request, place)
        try:
            return await self._first(request, given, now, wanted)
        except IllegalMove:  # perhaps because the same approval came twice at once
            request = await self.status(identifier, caller.client_id)
            place = request.approved_by(approval)
            if place is None:
                raise
            return await self._same(request, place)

    async def document(self, identifier: str, client_id: str, number: int) -> SignedDocument:
        """Return one of the documents of a request that is signed; NoSuchRequest, IllegalMove."""
        request = await self.status(identifier, client_id)
        if request.state is not State.SIGNED:
            raise IllegalMove(request.state)
        places = _final_places(request)
        if not 0 <= number < len(places) * request.count:
            raise NoSuchRequest
        place, number = places[number // request.count], number % request.count
        sealer = await self.contents.opened(request)
        found: SignedDocument = await self.contents.part(sealer, result(place), number)
        return found

    async def octets(self, document: SignedDocument) -> Readable:
        """Return what a document is made of, or raise FormatError: its upload is gone."""
        if not document.upload:
            return await asyncio.to_thread(held, document.content)
        uploaded = self.signing.preparing.uploaded
        return await uploaded.octets(document.upload, document.content)

    async def _to_see(self, request: SignatureRequest, prepared: Prepared, place: int) -> ToSee:
        item = prepared.items[place]
        content = item.content
        if content is None and request.format == "pades":  # a PDF, or what is added
            content = prepared.content
        size = len(content or b"")
        if item.upload:
            size = (await self.signing.preparing.uploaded.octets(item.upload, b"")).size
        return ToSee(
            label=item.name,
            digest=prepared.digests[place],
            file=item.digest,
            media_type=item.media_type,
            content=content,
            size=size,
            upload=item.upload,
        )

    async def _first(
        self, request: SignatureRequest, given: Approved, now: int, wanted: int | None
    ) -> list[SignedDocument]:
        if request.told_state(now) is not State.OPEN:
            raise IllegalMove(request.told_state(now))
        signer = signer_hash(given.activation)
        if not signer or not given.covers(request.algorithm, request.digests):
            raise NotApproved
        place = request.next_place(wanted)
        slot = Slot(signer=signer, approval=approval_hash(given.activation))
        taken = request.taken(place, slot, now, now + LEASE)
        using = self.creating.keys.approved(slot.approval, request, now + USED_UP)
        sealer = await self.contents.opened(request)
        try:
            moved = (self.store.moved(request, taken), using)
            await self.signing.begin(moved, taken, sealer, given.activation)
        except Refused as refusal:
            if refusal.write is using:  # it was given to another request, or to this one in vain
                raise NotApproved from None
            raise IllegalMove(State.SIGNING) from None
        return await self.contents.parts(sealer, result(place))

    async def _same(self, request: SignatureRequest, place: int) -> list[SignedDocument]:
        """Return what came of an approval that was brought before, and go on with it if it must."""
        if not request.slots[place].signed_at:
            if not request.state.is_underway:
                raise IllegalMove(request.state)
            request = await self.signing.resume(request)
        if not request.slots[place].signed_at:
            raise IllegalMove(request.state)
        sealer = await self.contents.opened(request)
        return await self.contents.parts(sealer, result(place))

    async def _end(
        self, before: SignatureRequest, after: SignatureRequest, event: Event, now: int
    ) -> None:
        moved, dropped = self.store.moved(before, after), self.store.dropped(before)
        try:
            notices = self.notices.written(after, event, now)
            await self.store.database.submit(moved, *dropped, *notices)
        except Refused:
            raise Busy from None


def _final_places(request: SignatureRequest) -> Sequence[int]:
    """Return the slots whose documents are the outcome: the last one's hold all signatures, where

    signatures stand together.
    """
    return [request.place] if request.together else range(len(request.slots))
