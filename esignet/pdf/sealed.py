"""A PDF that lies elsewhere in sealed chunks, and what is appended to it, as one stream."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import Any

from keystore.streams import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDocument:
    """A document of which ``chunk`` returns the sealed chunks, by their numbers from 0."""

    key: bytes
    shape: Shape
    chunk: Callable[[int], Coroutine[Any, Any, bytes]]


class Ahead:
    """The chunks of a document: of who reads on, the next one is fetched meanwhile."""

    __slots__ = ("_document", "_last", "_task")

    def __init__(self, document: SealedDocument) -> None:
        self._document = document
        self._last = -1
        self._task: asyncio.Task[bytes] | None = None

    async def chunk(self, number: int) -> bytes:
        """Return a sealed chunk; ValueError: there is none of that number."""
        if not 0 <= number < self._document.shape.chunks:
            raise ValueError("there is no such chunk")
        reads_on, self._last = number == self._last + 1, number
        if self._task is None or not reads_on:
            self.end()
            self._task = self._begun(number)
        content = await self._task
        following = number + 1 < self._document.shape.chunks
        self._task = self._begun(number + 1) if reads_on and following else None
        return content

    def end(self) -> None:
        """Fetch nothing more; what was fetched in vain may have failed."""
        task, self._task = self._task, None
        if task is not None and not task.cancel() and not task.cancelled():
            task.exception()

    def _begun(self, number: int) -> asyncio.Task[bytes]:
        return asyncio.create_task(self._document.chunk(number))


class Continued(RawIOBase):
    """A document that stays as it is, and a ``tail`` behind it that can be written."""

    def __init__(self, document: RawIOBase, size: int, tail: bytes) -> None:
        super().__init__()
        self.tail = bytearray(tail)
        self._document = document
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next octet."""
        return self._place

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a place, also one behind the end."""
        end = self._size + len(self.tail)
        base = {SEEK_SET: 0, SEEK_CUR: self._place, SEEK_END: end}[whence]
        if base + offset < 0:
            raise ValueError("there is nothing before the start")
        self._place = base + offset
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Return ``size`` octets, all that are left when it is negative; fewer at the end alone."""
        end = self._size + len(self.tail)
        if size is None or size < 0:
            size = max(0, end - self._place)
        piece = b""
        if self._place < self._size:
            self._document.seek(self._place)
            piece = self._document.read(min(size, self._size - self._place))
            self._place += len(piece)
        if len(piece) < size and self._place >= self._size:
            at = self._place - self._size
            rest = bytes(self.tail[at : at + size - len(piece)])
            self._place += len(rest)
            return piece + rest
        return piece

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is room for."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def write(self, octets: Any) -> int:
        """Write behind the document: over what was appended to it, or at the end."""
        at = self._place - self._size
        if not 0 <= at <= len(self.tail):
            raise ValueError("only what was appended can be written")
        self.tail[at : at + len(octets)] = octets
        self._place += len(octets)
        return len(octets)
