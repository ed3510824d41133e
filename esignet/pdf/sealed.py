"""A PDF that lies sealed in a file, and what is appended to it, as one stream."""

import os
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import Any

from keystore.streams import SEALED_CHUNK, Opener, Reader, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """``file`` is the descriptor of a file with the sealed chunks, one behind the other."""

    file: int
    key: bytes
    shape: Shape

    def chunk(self, number: int) -> bytes:
        """Return a chunk as it lies there."""
        return os.pread(self.file, SEALED_CHUNK, number * SEALED_CHUNK)

    def opened(self) -> Reader:
        """Return the document to be read at any place."""
        return Reader(Opener(self.key, self.shape), self.chunk)


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
