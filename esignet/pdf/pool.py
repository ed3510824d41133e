"""PDF work off the event loop: a few processes, each with bounds, replaced when they break them."""

import asyncio
import fcntl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

import esignet
from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Prepared, Wish
from esignet.pdf.messages import (
    HEAD,
    RESULTS,
    Answer,
    Augment,
    Check,
    Embed,
    Lent,
    Prepare,
    Preview,
    Request,
    Step,
    ToArchive,
    ToStamp,
    Wanted,
    framed,
)
from esignet.pdf.preview import Seen
from esignet.pdf.sealed import Ahead, SealedDocument
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed

LARGEST = 64 * 1024 * 1024
"""Octets of a PDF that is taken as it is; of a larger one the chunks are given that are wanted."""

LARGEST_ANSWER = 4 * LARGEST
PIPE = 1 << 20
"""Octets that a pipe to a worker holds: a chunk goes in at once."""

_ROOT = Path(esignet.__file__).parents[1]
_SAID = msgspec.msgpack.Decoder(Answer | Wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``workers`` processes, each with ``memory`` octets and ``seconds`` for one request.

    ``seconds_lent`` are for a request about a PDF in a file, which may be very long.
    """

    workers: int = 2
    seconds: float = 30.0
    seconds_lent: float = 120.0
    memory: int = 2 * 1024**3


class PdfBusy(Exception):
    """No worker was free in time; the same request may be sent again."""


@dataclass(slots=True)
class PdfPool:
    """The format ``pades`` for whole documents. Each method may raise FormatError and PdfBusy.

    A worker that crashes or takes too long ends, and its request is refused: the document is then
    not tried again, for it would do the same to the next one.
    """

    bounds: Bounds = field(default_factory=Bounds)
    _idle: asyncio.Queue[asyncio.subprocess.Process | None] = field(init=False)
    _long: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._idle = asyncio.Queue()
        self._long = asyncio.Semaphore(max(1, self.bounds.workers - 1))
        for _ in range(self.bounds.workers):
            self._idle.put_nowait(None)

    async def prepare(self, item: Item, wish: Wish) -> Prepared:
        """Return the PDF with the place of its signature, and what will be approved."""
        bare = replace(item, content=None)
        request = Request(step=Prepare(bare, wish), pdf=_bounded(item.content or b""))
        prepared: Prepared = await self.answered(request)
        return prepared

    async def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the PDF with its signature at B-B."""
        return bytes(await self.answered(Request(step=Embed(prepared, signed))))

    async def to_stamp(self, pdf: bytes) -> bytes:
        """Return what the signature time-stamp covers."""
        return bytes(await self.answered(Request(step=ToStamp(), pdf=_bounded(pdf))))

    async def to_archive(self, pdf: bytes, algorithm: HashAlgorithm) -> bytes:
        """Return the digest of what the document time-stamp covers."""
        request = Request(step=ToArchive(algorithm), pdf=_bounded(pdf))
        return bytes(await self.answered(request))

    async def augment(self, pdf: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return the PDF raised to ``level``."""
        request = Request(step=Augment(level, evidence), pdf=_bounded(pdf))
        return bytes(await self.answered(request))

    async def check(self, pdf: bytes) -> tuple[Found, ...]:
        """Return every signature of a PDF."""
        request = Request(step=Check(), pdf=_bounded(pdf))
        found: tuple[Found, ...] = await self.answered(request)
        return found

    async def preview(self, pdf: bytes, page: int) -> Seen:
        """Return how a page looks; 0 asks for the number of pages alone."""
        seen: Seen = await self.answered(Request(step=Preview(page), pdf=_bounded(pdf)))
        return seen

    def over(self, document: SealedDocument) -> "SealedPdf":
        """Return the same for a PDF of any size that lies elsewhere in sealed chunks."""
        return SealedPdf(self, document)

    async def close(self) -> None:
        """End the workers that are idle; those at work end with their request."""
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            if worker is not None:
                await _ended(worker)

    async def answered(self, request: Request, document: SealedDocument | None = None) -> Any:
        """Have a worker answer, and give it the chunks of a ``document`` that it wants.

        Such work may be long: where there are several workers it leaves one to the others.
        """
        if document is None:
            return await self._answered(request, None, self.bounds.seconds)
        async with self._long:
            return await self._answered(request, document, self.bounds.seconds_lent)

    async def _answered(
        self, request: Request, document: SealedDocument | None, seconds: float
    ) -> Any:
        async with self._worker(seconds) as worker:
            answer = await _exchanged(worker, msgspec.msgpack.encode(request), document)
        if answer.refusal:
            raise FormatError(answer.refusal)
        return RESULTS[type(request.step)].decode(answer.result)

    @asynccontextmanager
    async def _worker(self, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
        """Lend a worker; one that did not give a whole answer in time is not lent again."""
        try:
            async with asyncio.timeout(self.bounds.seconds):
                worker = await self._idle.get()
        except TimeoutError as late:
            raise PdfBusy("every PDF worker is at work") from late
        kept: asyncio.subprocess.Process | None = None
        try:
            if worker is None or worker.returncode is not None:
                worker = await self._started()
            async with asyncio.timeout(seconds):
                yield worker
            kept = worker
        except TimeoutError as late:
            raise FormatError("the PDF takes too long to be worked on") from late
        except (EOFError, OSError, ValueError, msgspec.DecodeError) as broken:
            raise FormatError("the PDF cannot be worked on") from broken
        finally:
            self._idle.put_nowait(kept)
            if kept is None and worker is not None:
                await _ended(worker)

    async def _started(self) -> asyncio.subprocess.Process:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "esignet.pdf.worker",
            str(self.bounds.memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # what a library says of a document is not logged
            cwd=_ROOT,
            env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
        )
        assert worker.stdin is not None
        pipe = worker.stdin.transport.get_extra_info("pipe")
        with suppress(OSError, AttributeError):  # it is Linux that can, up to its limit
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
        return worker


@dataclass(frozen=True, slots=True)
class SealedPdf:
    """The same over a PDF that lies elsewhere: what is taken and returned is appended to it.

    No step reads it into memory as a whole.
    """

    pool: PdfPool
    document: SealedDocument

    async def prepare(self, item: Item, wish: Wish) -> Prepared:
        """Return what is appended for its signature; ``item.content`` was appended before."""
        bare = replace(item, content=None)
        prepared: Prepared = await self._asked(Prepare(bare, wish), item.content or b"")
        return prepared

    async def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return it with the signature at B-B, whose place is in what was appended."""
        return await self.pool.embed(prepared, signed)

    async def to_stamp(self, pdf: bytes) -> bytes:
        """Return what the signature time-stamp covers."""
        return bytes(await self._asked(ToStamp(), pdf))

    async def to_archive(self, pdf: bytes, algorithm: HashAlgorithm) -> bytes:
        """Return the digest of what the document time-stamp covers."""
        return bytes(await self._asked(ToArchive(algorithm), pdf))

    async def augment(self, pdf: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it raised to ``level``."""
        return bytes(await self._asked(Augment(level, evidence), pdf))

    async def check(self, pdf: bytes) -> tuple[Found, ...]:
        """Return every signature, without what archive time-stamps cover."""
        found: tuple[Found, ...] = await self._asked(Check(), pdf)
        return found

    async def preview(self, pdf: bytes, page: int) -> Seen:
        """Return how a page looks; 0 asks for the number of pages alone."""
        seen: Seen = await self._asked(Preview(page), pdf)
        return seen

    async def _asked(self, step: Step, pdf: bytes) -> Any:
        shape = self.document.shape
        lent = Lent(key=self.document.key, name=shape.name, size=shape.size)
        request = Request(step=step, pdf=_bounded(pdf), lent=lent)
        return await self.pool.answered(request, self.document)


async def _exchanged(
    worker: asyncio.subprocess.Process, message: bytes, document: SealedDocument | None
) -> Answer:
    ahead = None if document is None else Ahead(document)
    try:
        await _send(worker, message)
        while True:
            said = _SAID.decode(await _received(worker))
            if isinstance(said, Answer):
                return said
            if ahead is None:
                raise EOFError
            await _send(worker, await ahead.chunk(said.number))
    finally:
        if ahead is not None:
            ahead.end()


async def _send(worker: asyncio.subprocess.Process, message: bytes) -> None:
    assert worker.stdin is not None
    worker.stdin.write(framed(message))
    await worker.stdin.drain()


async def _received(worker: asyncio.subprocess.Process) -> bytes:
    assert worker.stdout is not None
    length = int.from_bytes(await worker.stdout.readexactly(HEAD), "big")
    if length > LARGEST_ANSWER:
        raise EOFError
    return await worker.stdout.readexactly(length)


async def _ended(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


def _bounded(pdf: bytes) -> bytes:
    if len(pdf) > LARGEST:
        raise FormatError(f"the PDF is larger than {LARGEST >> 20} MiB; upload it first")
    return pdf
