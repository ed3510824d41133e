"""Documents that were uploaded before they are named in a signature request.

Small ones are taken into the request as if they had come with it. Larger ones stay where they are:
a PDF is signed there, of others the digest is.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from config.runtime.database.unit import Write
from config.runtime.readable import Readable
from esignet.flows.documents import NoSuchDocument, Uploads
from esignet.flows.signing_parts import Part
from esignet.formats.format import FormatError, Item
from esignet.pdf.pool import PdfPool, SealedPdf
from esignet.protocol.asking import Asked, BadRequest, Document
from esignet.protocol.signature_request import SignatureRequest
from esignet.stores.documents import Upload
from keystore.signing.digests import HashAlgorithm

_GONE = "a document that was uploaded is gone"


@dataclass(frozen=True, slots=True)
class Given:
    """What a client asks for, with the documents that it ``uploaded`` for it."""

    asked: Asked
    uploaded: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Finds and lends uploads. Those of a request are taken in up to ``largest`` octets of all."""

    uploads: Uploads
    pdf: PdfPool
    largest: int

    async def given(self, client_id: str, asked: Asked) -> Given:
        """Return what is asked with the digests, or the content, of documents that are named.

        Raises BadRequest.
        """
        names = [one.upload for one in asked.documents if one.upload]
        if not names:
            return Given(asked)
        if len(set(names)) != len(names):
            raise BadRequest("a document is named once")
        found = {name: await self._found(name, client_id) for name in names}
        size = sum(len(one.content or b"") for one in asked.documents)
        fits = size + sum(one.size for one in found.values()) <= self.largest
        documents = [
            await self._document(one, found[one.upload], asked.algorithm, fits=fits)
            if one.upload
            else one
            for one in asked.documents
        ]
        return Given(replace(asked, documents=tuple(documents)), tuple(found.values()))

    def bound(self, given: Given, request: SignatureRequest, now: int) -> list[Write]:
        """Return the writes that give the documents to a request, until it ends."""
        store, until = self.uploads.store, request.expires_at
        return [store.bound(one, request.id, until, now) for one in given.uploaded]

    @asynccontextmanager
    async def lent(self, identifier: str) -> AsyncIterator[SealedPdf]:
        """Lend what works on a PDF where it lies, or raise FormatError: it is gone."""
        try:
            yield self.pdf.over(await self.uploads.lent(identifier))
        except NoSuchDocument:
            raise FormatError(_GONE) from None

    @asynccontextmanager
    async def over(self, parts: Sequence[Part]) -> AsyncIterator[list[Part]]:
        """Lend the PDFs that lie elsewhere to the parts that sign them, or raise FormatError."""
        async with AsyncExitStack() as every:
            lent = []
            for part in parts:
                name = part.prepared.items[0].upload
                pdf = await every.enter_async_context(self.lent(name)) if name else None
                lent.append(replace(part, pdf=pdf))
            yield lent

    async def octets(self, identifier: str, tail: bytes) -> Readable:
        """Return an upload with what was appended to it, or raise FormatError: it is gone."""
        return await self.uploads.octets(await self._lent(identifier), tail)

    async def digest(self, item: Item, algorithm: HashAlgorithm) -> bytes:
        """Return the digest of an upload with what was appended to it (``item.content``)."""
        hashed = hashlib.new(algorithm.value)
        octets = await self.octets(item.upload, item.content or b"")
        try:
            async for piece in octets.whole():
                await asyncio.to_thread(hashed.update, piece)
        except NoSuchDocument:
            raise FormatError(_GONE) from None
        return hashed.digest()

    async def _lent(self, identifier: str) -> Upload:
        upload = await self.uploads.store.lent(identifier, self.uploads.clock.now())
        if upload is None:
            raise FormatError(_GONE)
        return upload

    async def _found(self, name: str, client_id: str) -> Upload:
        try:
            found = await self.uploads.find(name, client_id)
        except NoSuchDocument:
            raise BadRequest("there is no such document of this client", 422) from None
        if found.request:
            raise BadRequest("a document belongs to another request", 409)
        return found

    async def _document(
        self, document: Document, upload: Upload, algorithm: HashAlgorithm, *, fits: bool
    ) -> Document:
        known = replace(document, media_type=document.media_type or upload.media_type)
        if not fits:
            return replace(known, digest=upload.digests[algorithm])
        octets = await self.uploads.octets(upload)
        try:
            pieces = [piece async for piece in octets.whole()]
        except NoSuchDocument:
            raise BadRequest(_GONE, 422) from None
        return replace(known, content=b"".join(pieces), upload="")
