"""What lies encrypted of a signature request: each request has a key, and every part its place.

The key service seals that key. Whoever deletes it has destroyed all parts.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from config.runtime.entropy import Entropy
from esignet.formats.format import Prepared
from esignet.protocol.appearance import Appearance
from esignet.protocol.signature_request import IllegalMove, SignatureRequest, State
from esignet.stores.requests import SignatureRequests
from keystore.cells import KEY_BYTES, Cells, row
from keystore.door import Door, SealPurpose
from keystore.signing.door import Signed

KEY = "key"
SIGNERS = "signers"
"""Their labels, as a list."""

TOLD = "told"
"""What a person approves; its number is how many have signed before."""

APPEARANCES = "appearances"
"""How the signature of each signer stands in a PDF, where that was asked for."""

DOCUMENTS = "documents"
"""What was prepared for the next signature."""

APPROVAL = "approval"
SIGNATURES = "signatures"
"""What the key service signed, before it is in the documents."""

_LARGE = 64 * 1024


def result(place: int) -> str:
    """Return the part that holds what came of a slot, by the number of the document."""
    return f"result.{place}"


@dataclass(frozen=True, slots=True)
class ToApprove:
    """A digest that is to be approved. ``file`` is the digest of the document as it was given.

    The two differ where the document gains the place of its signature, as a PDF does.
    """

    label: str
    digest: bytes
    file: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """What was signed under its name. ``promise`` (a JWS) is of the audit log.

    ``file_name`` is what it is called as a file, of its ``media_type``. Where ``upload`` names a
    document that lies elsewhere, ``content`` is what was appended to that. ``certificate`` is the
    signer's (DER).
    """

    name: str
    file_name: str
    media_type: str
    content: bytes
    promise: bytes
    upload: str = ""
    certificate: bytes = b""


_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    SIGNERS: msgspec.msgpack.Decoder(tuple[str, ...]),
    APPEARANCES: msgspec.msgpack.Decoder(tuple[Appearance, ...]),
    TOLD: msgspec.msgpack.Decoder(tuple[ToApprove, ...]),
    DOCUMENTS: msgspec.msgpack.Decoder(list[Prepared]),
    APPROVAL: msgspec.msgpack.Decoder(str),
    SIGNATURES: msgspec.msgpack.Decoder(list[Signed]),
    "result": msgspec.msgpack.Decoder(SignedDocument),
}


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens the parts of one request."""

    identifier: str
    cells: Cells

    async def seal(self, part: str, value: object, number: int = 0) -> bytes:
        """Return ``value`` encrypted for its place."""
        octets = msgspec.msgpack.encode(value)
        where = row(self.identifier, part, str(number))
        if len(octets) < _LARGE:
            return self.cells.seal(octets, where)
        return await asyncio.to_thread(self.cells.seal, octets, where)

    async def open(self, part: str, sealed: bytes, number: int = 0) -> Any:
        """Return what was sealed for this place."""
        where = row(self.identifier, part, str(number))
        decode = _DECODERS[part.partition(".")[0]].decode
        if len(sealed) < _LARGE:
            return decode(self.cells.open(sealed, where))
        return await asyncio.to_thread(lambda: decode(self.cells.open(sealed, where)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The sealed parts of requests. Every method may raise what the database and the door do."""

    store: SignatureRequests
    door: Door
    entropy: Entropy

    async def new(self, identifier: str) -> tuple[Sealer, bytes]:
        """Return what seals the parts of a new request, and its own key, sealed."""
        key = self.entropy.bytes(KEY_BYTES)
        sealed = await self.door.seal(SealPurpose.DOCUMENT, key, identifier.encode())
        return Sealer(identifier, Cells(key, self.entropy)), sealed

    async def opened(self, request: SignatureRequest) -> Sealer:
        """Return what opens the parts of a request, or raise IllegalMove: they are destroyed."""
        sealed = await self.store.part(request.id, KEY)
        if sealed is None:
            is_over = request.state is State.SIGNED or not request.state.is_final
            raise IllegalMove(request.state, expired=is_over)
        key = await self.door.open(SealPurpose.DOCUMENT, sealed, request.id.encode())
        return Sealer(request.id, Cells(key, self.entropy))

    async def part(self, sealer: Sealer, part: str, number: int = 0) -> Any:
        """Return one part, or raise IllegalMove: it is destroyed."""
        sealed = await self.store.part(sealer.identifier, part, number)
        if sealed is None:
            raise IllegalMove
        return await sealer.open(part, sealed, number)

    async def parts(self, sealer: Sealer, part: str) -> list[Any]:
        """Return all parts of that name, by their numbers."""
        found = await self.store.parts(sealer.identifier, part)
        return [await sealer.open(part, sealed, number) for number, sealed in enumerate(found)]
