"""PDF work off the event loop: a few processes, each with bounds, replaced when they break them."""

import asyncio
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
    framed,
)
from esignet.pdf.preview import Seen
from esignet.pdf.sealed import SealedFile
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed

LARGEST = 64 * 1024 * 1024
"""Octets of a PDF that is taken as it is; a larger one is lent in a file."""

LARGEST_ANSWER = 4 * LARGEST
_ROOT = Path(esignet.__file__).parents[1]
_ANSWER = msgspec.msgpack.Decoder(Answer)


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

    def __post_init__(self) -> None:
        self._idle = asyncio.Queue()
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

    def over(self, file: SealedFile) -> "SealedPdf":
        """Return the same for a PDF of any size that lies sealed in a file."""
        return SealedPdf(self, file)

    async def close(self) -> None:
        """End the workers that are idle; those at work end with their request."""
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            if worker is not None:
                await _ended(worker)

    async def answered(self, request: Request) -> Any:
        """Have a worker answer; one that is lent a file is new, and ends with its answer."""
        file = None if request.lent is None else request.lent.file
        async with self._worker(file) as worker:
            answer = await _exchanged(worker, msgspec.msgpack.encode(request))
        if answer.refusal:
            raise FormatError(answer.refusal)
        return RESULTS[type(request.step)].decode(answer.result)

    @asynccontextmanager
    async def _worker(self, file: int | None) -> AsyncIterator[asyncio.subprocess.Process]:
        """Lend a worker; one that did not give a whole answer in time is not lent again."""
        try:
            async with asyncio.timeout(self.bounds.seconds):
                idle = await self._idle.get()
        except TimeoutError as late:
            raise PdfBusy("every PDF worker is at work") from late
        worker = idle if file is None else None
        kept = idle if file is not None else None
        seconds = self.bounds.seconds if file is None else self.bounds.seconds_lent
        try:
            if worker is None or worker.returncode is not None:
                worker = await self._started(file)
            async with asyncio.timeout(seconds):
                yield worker
            if file is None:
                kept = worker
        except TimeoutError as late:
            raise FormatError("the PDF takes too long to be worked on") from late
        except (EOFError, OSError, msgspec.DecodeError) as broken:
            raise FormatError("the PDF cannot be worked on") from broken
        finally:
            self._idle.put_nowait(kept)
            if worker is not None and worker is not kept:
                await _ended(worker)

    async def _started(self, file: int | None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "esignet.pdf.worker",
            str(self.bounds.memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # what a library says of a document is not logged
            cwd=_ROOT,
            env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
            pass_fds=() if file is None else (file,),
        )


@dataclass(frozen=True, slots=True)
class SealedPdf:
    """The same over a PDF in a file: what is taken and returned is what was appended to it.

    No step reads it into memory as a whole.
    """

    pool: PdfPool
    file: SealedFile

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
        file, shape = self.file, self.file.shape
        lent = Lent(file=file.file, key=file.key, name=shape.name, size=shape.size)
        return await self.pool.answered(Request(step=step, pdf=_bounded(pdf), lent=lent))


async def _exchanged(worker: asyncio.subprocess.Process, message: bytes) -> Answer:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(framed(message))
    await worker.stdin.drain()
    length = int.from_bytes(await worker.stdout.readexactly(HEAD), "big")
    if length > LARGEST_ANSWER:
        raise EOFError
    return _ANSWER.decode(await worker.stdout.readexactly(length))


async def _ended(worker: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


def _bounded(pdf: bytes) -> bytes:
    if len(pdf) > LARGEST:
        raise FormatError(f"the PDF is larger than {LARGEST >> 20} MiB; upload it first")
    return pdf
