"""Sealed documents that lie where they were uploaded: what was appended is kept, and streamed back.

Each is kept under a key of its own and a name that only the organisation's word leads to, so that
the same call again finds what the first one made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from config.runtime.database.unit import Refused, Write
from config.runtime.entropy import Entropy
from config.runtime.readable import Readable
from esignet.flows.request_contents import Sealer, SignedDocument, result
from esignet.flows.uploaded import Uploaded
from esignet.formats.format import FormatError
from esignet.stores.seals import KeptSeal, SealedDocuments
from keystore.cells import KEY_BYTES, Cells
from keystore.door import Door, SealPurpose

_PART = result(0)


class NoSuchSeal(Exception):
    """There is no such sealed document, it is another client's, or its time is over."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed document; ``id`` names one that is fetched, and is empty for one that is here."""

    document: SignedDocument
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedElsewhere:
    """Every method may raise DatabaseUnavailable and KeyServiceUnavailable."""

    store: SealedDocuments
    uploaded: Uploaded
    door: Door
    entropy: Entropy

    async def kept(
        self, client_id: str, documents: Sequence[SignedDocument], order: bytes
    ) -> list[Sealed]:
        """Keep the documents that lie elsewhere, and return all by their names.

        ``order`` is what nobody else knows and asked for them. Raises FormatError: one is gone.
        """
        now = self.uploaded.uploads.clock.now()
        until = now + self.uploaded.uploads.allowance.lifetime
        found, writes = [], list[Write]()
        for document in documents:
            if not document.upload:
                found.append(Sealed(document))
                continue
            name = _name(client_id, document.upload, order)
            found.append(Sealed(document, name))
            key, content = await self._encrypted(name, document)
            seal = KeptSeal(
                id=name, client_id=client_id, key=key, content=content, expires_at=until
            )
            stays = self.store.stays(document.upload, client_id, until, now)
            writes += [self.store.kept(seal), stays]
        if writes:
            try:
                await self.store.database.submit(*writes)
            except Refused:
                raise FormatError("a document that was uploaded is gone") from None
        return found

    async def find(self, identifier: str, client_id: str) -> SignedDocument:
        """Return a client's sealed document, or raise NoSuchSeal."""
        now = self.uploaded.uploads.clock.now()
        seal = await self.store.find(identifier, client_id, now)
        if seal is None:
            raise NoSuchSeal
        key = await self.door.open(SealPurpose.DOCUMENT, seal.key, identifier.encode())
        sealer = Sealer(identifier, Cells(key, self.entropy))
        document: SignedDocument = await sealer.open(_PART, seal.content)
        return document

    async def octets(self, document: SignedDocument) -> Readable:
        """Return what it is made of, or raise NoSuchSeal: its upload is gone."""
        try:
            return await self.uploaded.octets(document.upload, document.content)
        except FormatError:
            raise NoSuchSeal from None

    async def _encrypted(self, name: str, document: SignedDocument) -> tuple[bytes, bytes]:
        key = self.entropy.bytes(KEY_BYTES)
        sealed = await self.door.seal(SealPurpose.DOCUMENT, key, name.encode())
        return sealed, await Sealer(name, Cells(key, self.entropy)).seal(_PART, document)


def _name(client_id: str, upload: str, order: bytes) -> str:
    asked = msgspec.msgpack.encode(("symbolon sealed document", client_id, upload, order))
    return sha256(asked).hexdigest()
