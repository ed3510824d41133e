"""Documents that clients give: sealed chunk by chunk while they come, and gone with their key.

No more of a document is in memory than a few chunks, and nothing of it anywhere in clear.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable, Refused, Write
from config.runtime.entropy import Entropy
from config.runtime.readable import Readable
from esignet.pdf.sealed import SealedDocument
from esignet.stores.documents import Chunk, Documents, Upload
from keystore.cells import KEY_BYTES
from keystore.door import Door, SealPurpose
from keystore.signing.digests import HashAlgorithm
from keystore.streams import CHUNK, Opener, Sealer, Shape

Added = Callable[[Chunk], tuple[Write, Write]]

ARRIVING = 600
"""Seconds within which the next chunk has to come."""


AT_ONCE = 4
"""Documents of a client that come at the same time: it cannot take all places by being slow."""


class TooManyAtOnce(Exception):
    """So many documents of the client come already."""


class NoSuchDocument(Exception):
    """There is no such document, it is another client's, or its time is over."""


class Bound(Exception):
    """A signature request has the document, and destroys it when it ends."""


class EmptyDocument(Exception):
    """There is nothing in it."""


class OverQuota(Exception):
    """The client keeps as many octets here as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """``largest`` octets of a document, ``quota`` of all of a client; both for ``lifetime`` s."""

    largest: int
    quota: int
    lifetime: int


@dataclass(slots=True)
class _Arriving:
    """What is known of a document of which not all has come."""

    sealer: Sealer
    size: int = 0
    stored: int = 0
    number: int = 0
    hashes: dict[HashAlgorithm, "hashlib._Hash"] = field(
        default_factory=lambda: {one: hashlib.new(one.value) for one in HashAlgorithm}
    )

    def add(self, piece: bytes) -> list[bytes]:
        """Return the chunks that are full now, sealed."""
        self.size += len(piece)
        for hashed in self.hashes.values():
            hashed.update(piece)
        return list(self.sealer.add(piece))

    def end(self) -> tuple[bytes, dict[HashAlgorithm, bytes]]:
        """Return the last chunk, sealed, and the digests."""
        return self.sealer.end(), {one: made.digest() for one, made in self.hashes.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Documents of clients.

    Every method may raise DatabaseUnavailable, KeyServiceUnavailable and, where a document is read,
    BadSeal.
    """

    store: Documents
    door: Door
    entropy: Entropy
    clock: Clock
    allowance: Allowance
    _coming: Counter[str] = field(default_factory=Counter)

    async def room(self, client_id: str, size: int) -> None:
        """Raise OverQuota when ``size`` octets more are too many."""
        if await self.store.size_of(client_id) + size > self.allowance.quota:
            raise OverQuota

    async def taken(self, client_id: str, media_type: str, pieces: AsyncIterator[bytes]) -> Upload:
        """Take a document in and return it, or raise EmptyDocument, OverQuota or TooManyAtOnce.

        Whatever ends it before its end, nothing is left that could be read.
        """
        if self._coming[client_id] >= AT_ONCE:
            raise TooManyAtOnce
        self._coming[client_id] += 1
        try:
            return await self._taken(client_id, media_type, pieces)
        finally:
            self._coming[client_id] -= 1
            if not self._coming[client_id]:
                del self._coming[client_id]

    async def _taken(self, client_id: str, media_type: str, pieces: AsyncIterator[bytes]) -> Upload:
        identifier, key = self.entropy.token(), self.entropy.bytes(KEY_BYTES)
        upload = Upload(
            id=identifier,
            client_id=client_id,
            media_type=media_type,
            size=0,
            digests={},
            key=await self.door.seal(SealPurpose.DOCUMENT, key, identifier.encode()),
            request="",
            expires_at=self.clock.now() + ARRIVING,
        )
        await self.store.database.submit(self.store.begun(upload))
        try:
            arriving = _Arriving(Sealer(key, identifier.encode()))
            async for piece in _gathered(pieces):
                for content in await asyncio.to_thread(arriving.add, piece):
                    await self._store(self.store.grown, upload, arriving, content)
            return await self._ended(upload, arriving)
        except BaseException:
            with suppress(DatabaseUnavailable, Refused):
                await asyncio.shield(self._dropped(upload))
            raise

    async def find(self, identifier: str, client_id: str) -> Upload:
        """Return a document of this client, or raise NoSuchDocument."""
        found = await self.store.find(identifier, client_id, self.clock.now())
        if found is None:
            raise NoSuchDocument
        return found

    async def destroy(self, identifier: str, client_id: str) -> None:
        """Destroy the key of a client's document, or raise NoSuchDocument or Bound."""
        try:
            await self.store.database.submit(self.store.destroyed(identifier, client_id))
        except Refused:
            await self.find(identifier, client_id)
            raise Bound from None

    async def octets(self, upload: Upload, tail: bytes = b"") -> Readable:
        """Return a document, followed by ``tail``. Reading it may raise NoSuchDocument, too."""
        opener = Opener(await self._key(upload), _shape(upload))

        async def read(wanted: range) -> AsyncGenerator[bytes, None]:
            end = min(wanted.stop, upload.size)
            for number in range(wanted.start // CHUNK, -(-end // CHUNK)):
                sealed = await self._chunk(upload, number)
                octets = await asyncio.to_thread(opener.chunk, number, sealed)
                yield _between(octets, wanted, number * CHUNK)
            if wanted.stop > upload.size:
                yield _between(tail, wanted, upload.size)

        tag = sha256(upload.digests[HashAlgorithm.SHA256] + sha256(tail).digest()).hexdigest()
        return Readable(size=upload.size + len(tail), tag=tag, read=read)

    async def lent(self, identifier: str) -> SealedDocument:
        """Return a document for a process that works on it, or raise NoSuchDocument.

        Its chunks are fetched as they are wanted; that may raise NoSuchDocument, too.
        """
        upload = await self.store.lent(identifier, self.clock.now())
        if upload is None:
            raise NoSuchDocument
        chunk = partial(self._chunk, upload)
        return SealedDocument(key=await self._key(upload), shape=_shape(upload), chunk=chunk)

    async def _key(self, upload: Upload) -> bytes:
        return await self.door.open(SealPurpose.DOCUMENT, upload.key, upload.id.encode())

    async def _chunk(self, upload: Upload, number: int) -> bytes:
        sealed = await self.store.chunk(upload.id, number)
        if sealed is None:
            raise NoSuchDocument
        return sealed

    async def _ended(self, upload: Upload, arriving: _Arriving) -> Upload:
        if not arriving.size:
            raise EmptyDocument
        content, digests = await asyncio.to_thread(arriving.end)
        until = self.clock.now() + self.allowance.lifetime
        await self._store(
            lambda chunk: self.store.ended(replace(chunk, until=until), digests),
            upload,
            arriving,
            content,
        )
        return replace(upload, size=arriving.size, digests=digests, expires_at=until)

    async def _store(
        self, write: Added, upload: Upload, arriving: _Arriving, content: bytes
    ) -> None:
        more = min(CHUNK, arriving.size - arriving.stored)
        chunk = Chunk(
            document_id=upload.id,
            number=arriving.number,
            content=content,
            more=more,
            until=self.clock.now() + ARRIVING,
            quota=self.allowance.quota,
        )
        try:
            await self.store.database.submit(*write(chunk))
        except Refused:
            raise OverQuota from None
        arriving.number += 1
        arriving.stored += more

    async def _dropped(self, upload: Upload) -> None:
        await self.store.database.submit(self.store.destroyed(upload.id, upload.client_id))


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes in pieces that are worth a thread's while."""
    waiting: list[bytes] = []
    size = 0
    async for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _shape(upload: Upload) -> Shape:
    return Shape(name=upload.id.encode(), size=upload.size)


def _between(octets: bytes, wanted: range, start: int) -> bytes:
    """Return what is wanted of the octets that stand from ``start`` on."""
    return octets[max(wanted.start - start, 0) : wanted.stop - start]
