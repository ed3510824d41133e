"""Signature requests: documents are prepared, approved elsewhere, and signed once.

The documents lie encrypted under a key of their own request, which is destroyed when it ends. What
was signed is answered once and kept nowhere: after a lost answer the client begins anew.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from config.runtime.database.unit import DatabaseUnavailable, Refused
from config.runtime.entropy import Entropy
from esignet.flows.csc_approvals import Caller
from esignet.flows.csc_documents import Signs
from esignet.flows.signing_parts import Made, Part
from esignet.formats.format import Format, FormatError, Item, Level, Prepared, Wish
from esignet.formats.pdf_wish import PdfWish
from esignet.pdf.pool import PdfBusy, PdfPool
from esignet.protocol.csc.approval import Approved, approved
from esignet.protocol.signature_request import (
    Asked,
    BadRequest,
    Document,
    IllegalMove,
    SignatureRequest,
    State,
)
from esignet.stores.requests import SealedDocuments, SignatureRequests
from keystore.cells import KEY_BYTES, Cells
from keystore.door import Door, KeyServiceUnavailable, NotPermitted, SealPurpose
from keystore.signing.door import NotActivated

LIFETIME = 3600
"""Seconds for which a request waits for its approval."""

_CONTAINERS = frozenset(("asic_cades", "asic_xades"))
"""Formats whose one signature covers all documents of a request."""

_LEVELS = tuple(Level)
_HIGHEST = {"jws": Level.B_B, "cose": Level.B_T}
_HIGHEST_OF_DIGESTS = {
    **_HIGHEST,
    "pades": Level.B_T,  # what B-LT adds has its place in the PDF
    "xades": Level.B_LT,  # an archive time-stamp covers the documents themselves
    "jades": Level.B_LT,
    "asic_xades": Level.B_LT,
}
_PREPARED = msgspec.msgpack.Decoder(list[Prepared])


class NoSuchRequest(Exception):
    """There is no such request, or it is another client's."""


class NotApproved(Exception):
    """The access token approves nothing, or other digests, or its approval is used or too old."""


@dataclass(frozen=True, slots=True)
class ToApprove:
    """A digest that is to be approved. ``file`` is the digest of the document as it was given.

    The two differ where the document gains the place of its signature, as a PDF does.
    """

    label: str
    digest: bytes
    file: bytes


@dataclass(frozen=True, slots=True)
class Created:
    """A new request, and what a person approves for it."""

    request: SignatureRequest
    to_approve: tuple[ToApprove, ...]


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """What was signed under its name. ``promise`` (a JWS) is of the audit log."""

    name: str
    content: bytes
    promise: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Signature requests of clients. ``formats`` are those that are switched on.

    Every method may raise DatabaseUnavailable and KeyServiceUnavailable.
    """

    store: SignatureRequests
    signs: Signs
    pdf: PdfPool
    formats: Mapping[str, Format]
    door: Door
    entropy: Entropy

    async def create(self, client_id: str, asked: Asked, now: int) -> Created:
        """Return a new request, or raise BadRequest or PdfBusy."""
        prepared = await self._prepared(asked, now)
        request = SignatureRequest(
            id=self.entropy.token(),
            client_id=client_id,
            state=State.OPEN,
            format=asked.format,
            level=asked.level,
            algorithm=asked.algorithm,
            digests=tuple(digest for one in prepared for digest in one.digests),
            created_at=now,
            expires_at=now + LIFETIME,
        )
        sealed = await self._sealed(request.id, prepared)
        await self.store.database.submit(self.store.added(request, sealed))
        return Created(request, tuple(_to_approve(prepared)))

    async def status(self, identifier: str, client_id: str) -> SignatureRequest:
        """Return a request of this client, or raise NoSuchRequest."""
        found = await self.store.find(identifier, client_id)
        if found is None:
            raise NoSuchRequest
        return found

    async def cancel(self, identifier: str, client_id: str, now: int) -> None:
        """End a request that is open, or raise NoSuchRequest or IllegalMove."""
        request = await self.status(identifier, client_id)
        try:
            ended = self.store.ended(request, request.cancelled(now))
            await self.store.database.submit(ended)
        except Refused:
            raise IllegalMove from None

    async def sign(self, identifier: str, caller: Caller, now: int) -> list[SignedDocument]:
        """Return the documents, signed under the approval that the caller brings.

        Of two at once one signs. Where the key service did not answer the request is open again;
        raises NoSuchRequest, IllegalMove, NotApproved, PdfBusy, FormatError (it was signed and
        cannot be raised to its level: the request has ended).
        """
        request = await self.status(identifier, caller.client_id)
        given, taken = approved(caller.details), request.signed(now)
        if (
            given is None
            or given.credential
            or not given.covers(request.algorithm, request.digests)
        ):
            raise NotApproved
        parts = await self._opened(request)
        try:
            await self.store.database.submit(self.store.moved(request, taken))
        except Refused:
            raise IllegalMove from None
        made = await self._made(given, taken, parts, now)
        await self._emptied(taken)
        return [
            SignedDocument(_name(part), one.document, one.promise)
            for part, one in zip(parts, made, strict=True)
        ]

    async def _made(
        self, given: Approved, taken: SignatureRequest, parts: Sequence[Part], now: int
    ) -> list[Made]:
        try:
            return await self.signs.made(given, parts, now)
        except (NotActivated, KeyServiceUnavailable, PdfBusy) as refusal:
            await self.store.database.submit(self.store.moved(taken, taken.reopened()))
            if isinstance(refusal, NotActivated):
                raise NotApproved from None
            raise
        except (NotPermitted, FormatError) as fault:
            await self._emptied(taken)
            raise FormatError("the documents cannot be signed in this way") from fault

    async def _emptied(self, taken: SignatureRequest) -> None:
        with suppress(DatabaseUnavailable):  # it expires, and what was signed has to be answered
            await self.store.database.submit(self.store.ended(taken, taken))

    async def _prepared(self, asked: Asked, now: int) -> list[Prepared]:
        form = self.formats.get(asked.format)
        if form is None:
            raise BadRequest(f"format is one of {', '.join(sorted(self.formats))}", 422)
        _judge_level(asked)
        wish = Wish(hash_algorithm=asked.algorithm, envelope=asked.envelope)
        try:
            items = await asyncio.to_thread(_items, asked)
            if asked.format == "pades":
                return [await self._pdf(form, item, wish, now) for item in items]
            groups = [items] if asked.format in _CONTAINERS else [[item] for item in items]
            return await asyncio.to_thread(lambda: [form.prepare(one, wish) for one in groups])
        except FormatError as reason:
            raise BadRequest(str(reason), 422) from None

    async def _pdf(self, form: Format, item: Item, wish: Wish, now: int) -> Prepared:
        if item.content is None:
            return form.prepare([item], wish)
        return await self.pdf.prepare(item, replace(wish, pdf=PdfWish(at=now)))

    async def _sealed(self, identifier: str, prepared: Sequence[Prepared]) -> SealedDocuments:
        key, name = self.entropy.bytes(KEY_BYTES), identifier.encode()
        cells = Cells(key, self.entropy)
        content = await asyncio.to_thread(
            lambda: cells.seal(msgspec.msgpack.encode(prepared), name)
        )
        return SealedDocuments(await self.door.seal(SealPurpose.DOCUMENT, key, name), content)

    async def _opened(self, request: SignatureRequest) -> list[Part]:
        sealed, name = await self.store.sealed(request.id), request.id.encode()
        if sealed is None:
            raise IllegalMove
        key = await self.door.open(SealPurpose.DOCUMENT, sealed.key, name)
        cells = Cells(key, self.entropy)
        octets = await asyncio.to_thread(cells.open, sealed.content, name)
        form, level = self.formats[request.format], Level(request.level)
        return [Part(form, one, level) for one in _PREPARED.decode(octets)]


def _to_approve(prepared: Sequence[Prepared]) -> Iterator[ToApprove]:
    for one in prepared:
        for digest, item in zip(one.digests, one.items, strict=True):
            yield ToApprove(item.name, digest, item.digest)


def _judge_level(asked: Asked) -> None:
    """Refuse a level that could only fail after the signature was made."""
    whole = all(one.content is not None for one in asked.documents)
    highest = (_HIGHEST if whole else _HIGHEST_OF_DIGESTS).get(asked.format, Level.B_LTA)
    if _LEVELS.index(Level(asked.level)) > _LEVELS.index(highest):
        given = "documents" if whole else "digests"
        raise BadRequest(f"from {given}, {asked.format} goes up to {highest}", 422)


def _items(asked: Asked) -> list[Item]:
    return [_item(one, asked) for one in asked.documents]


def _item(document: Document, asked: Asked) -> Item:
    content = document.content
    digest = document.digest if content is None else asked.algorithm.of(content)
    return Item(name=document.name, digest=digest, media_type=document.media_type, content=content)


def _name(part: Part) -> str:
    """Return what a signed document is called: a container as such, others as what they sign."""
    if part.format.name in _CONTAINERS:
        return "documents.asics" if part.prepared.wish.envelope == "asic-s" else "documents.asice"
    return part.prepared.items[0].name
