"""PDF work off the event loop: a few processes, each with bounds, replaced when they break them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
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
    Prepare,
    Request,
    ToArchive,
    ToStamp,
    framed,
)
from keystore.signing.door import Signed

LARGEST = 64 * 1024 * 1024
"""Octets of a PDF that is taken here; of a larger one its digest is signed."""

LARGEST_ANSWER = 4 * LARGEST
_ROOT = Path(esignet.__file__).parents[1]
_ANSWER = msgspec.msgpack.Decoder(Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``workers`` processes, each with ``memory`` octets and ``seconds`` for one request."""

    workers: int = 2
    seconds: float = 30.0
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
        _bounded(item.content or b"")
        prepared: Prepared = await self._asked(Prepare(item, wish))
        return prepared

    async def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the PDF with its signature at B-B."""
        return bytes(await self._asked(Embed(prepared, signed)))

    async def to_stamp(self, pdf: bytes) -> bytes:
        """Return what the signature time-stamp covers."""
        return bytes(await self._asked(ToStamp(_bounded(pdf))))

    async def to_archive(self, pdf: bytes) -> bytes:
        """Return what the document time-stamp covers."""
        return bytes(await self._asked(ToArchive(_bounded(pdf))))

    async def augment(self, pdf: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return the PDF raised to ``level``."""
        return bytes(await self._asked(Augment(_bounded(pdf), level, evidence)))

    async def check(self, pdf: bytes) -> tuple[Found, ...]:
        """Return every signature of a PDF."""
        found: tuple[Found, ...] = await self._asked(Check(_bounded(pdf)))
        return found

    async def close(self) -> None:
        """End the workers that are idle; those at work end with their request."""
        while not self._idle.empty():
            worker = self._idle.get_nowait()
            if worker is not None:
                await _ended(worker)

    async def _asked(self, request: Request) -> Any:
        async with self._worker() as worker:
            answer = await _exchanged(worker, msgspec.msgpack.encode(request))
        if answer.refusal:
            raise FormatError(answer.refusal)
        return RESULTS[type(request)].decode(answer.result)

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[asyncio.subprocess.Process]:
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
            async with asyncio.timeout(self.bounds.seconds):
                yield worker
            kept = worker
        except TimeoutError as late:
            raise FormatError("the PDF takes too long to be worked on") from late
        except (EOFError, OSError, msgspec.DecodeError) as broken:
            raise FormatError("the PDF cannot be worked on") from broken
        finally:
            self._idle.put_nowait(kept)
            if kept is None and worker is not None:
                await _ended(worker)

    async def _started(self) -> asyncio.subprocess.Process:
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
        )


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
        raise FormatError(f"the PDF is larger than {LARGEST >> 20} MiB; send its digest instead")
    return pdf
