"""Authenticated encryption of a long document in chunks, each of which can be read by itself.

STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", CRYPTO 2015 §7) over AES-256-GCM: the nonce is the chunk's number and whether it
is the last, the document's name is associated data. No chunk can be changed, moved, left out,
brought from another document, or be the last when it was not.

A key is for one document and is used for nothing else: since nonces are counted, nothing may be
sealed twice under it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystore.cells import KEY_BYTES
from keystore.door import BadSeal

CHUNK = 1 << 20
"""Octets of a chunk; only the last one has fewer, and at least one."""

SEALED_CHUNK = CHUNK + 16
"""Octets of a sealed chunk: its tag is at its end."""

_KEPT = 4
_VERSION = b"symbolon document 1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A sealed document: its ``name``, which is bound to it, and its ``size`` in octets."""

    name: bytes
    size: int

    @property
    def chunks(self) -> int:
        """Return how many chunks it has."""
        return -(-self.size // CHUNK)


class _Cipher:
    """The key of one document. Chunks are counted from 0."""

    __slots__ = ("_bound", "_gcm")

    def __init__(self, key: bytes, name: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise BadSeal("a document's key has 32 octets")
        self._gcm = AESGCM(key)
        self._bound = _VERSION + name

    def seal(self, number: int, octets: bytes, *, last: bool) -> bytes:
        return self._gcm.encrypt(_nonce(number, last), octets, self._bound)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._gcm.decrypt(_nonce(number, last), sealed, self._bound)
        except (InvalidTag, ValueError):  # ValueError: it is shorter than a tag
            raise BadSeal(f"chunk {number} is not the one that this document has there") from None


class Sealer:
    """Seals a document while it comes, in pieces of any size."""

    __slots__ = ("_cipher", "_ended", "_number", "_waiting")

    def __init__(self, key: bytes, name: bytes) -> None:
        self._cipher = _Cipher(key, name)
        self._waiting = bytearray()
        self._number = 0
        self._ended = False

    def add(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece, and yield each chunk that is full and not the last, sealed."""
        self._waiting += piece
        while len(self._waiting) > CHUNK:
            yield self._next(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def end(self) -> bytes:
        """Return the last chunk, sealed; ValueError: there is none, or it was returned before."""
        if not self._waiting or self._ended:
            raise ValueError("a document is not empty, and ends once")
        self._ended = True
        return self._next(bytes(self._waiting), last=True)

    def _next(self, octets: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.seal(self._number, octets, last=last)
        self._number += 1
        return sealed


class Opener:
    """Opens chunks of a document, in any order. Each method raises BadSeal, naming the chunk."""

    __slots__ = ("_cipher", "shape")

    def __init__(self, key: bytes, shape: Shape) -> None:
        self._cipher = _Cipher(key, shape.name)
        self.shape = shape

    def chunk(self, number: int, sealed: bytes) -> bytes:
        """Return the octets of the chunk ``number``, counted from 0."""
        last = number == self.shape.chunks - 1
        octets = self._cipher.open(number, sealed, last=last)
        if len(octets) != min(CHUNK, self.shape.size - number * CHUNK):
            raise BadSeal(f"chunk {number} has another length than this document has there")
        return octets


class Reader(RawIOBase):
    """A sealed document to be read at any place; it holds a few chunks at once, and no more.

    ``sealed_at`` is asked for a chunk by its number. Reading raises BadSeal. Many small reads, also
    backwards, cost little: whoever parses documents makes nothing else.
    """

    def __init__(self, opener: Opener, sealed_at: Callable[[int], bytes]) -> None:
        super().__init__()
        self._opener = opener
        self._sealed_at = sealed_at
        self._place = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next octet."""
        return self._place

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a place, also one behind the end."""
        base = {SEEK_SET: 0, SEEK_CUR: self._place, SEEK_END: self._opener.shape.size}[whence]
        if base + offset < 0:
            raise ValueError("there is nothing before the start")
        self._place = base + offset
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Return ``size`` octets, all that are left when it is negative; fewer at the end alone."""
        left = max(0, self._opener.shape.size - self._place)
        if size is not None and 0 <= size < left:
            left = size
        pieces = []
        while left:
            number, within = divmod(self._place, CHUNK)
            piece = self._chunk(number)[within : within + left]
            self._place += len(piece)
            left -= len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        """Read as much as there is room for."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _chunk(self, number: int) -> bytes:
        octets = self._kept.get(number)
        if octets is None:
            octets = self._opener.chunk(number, self._sealed_at(number))
            if len(self._kept) == _KEPT:
                self._kept.popitem(last=False)
            self._kept[number] = octets
        else:
            self._kept.move_to_end(number)
        return octets


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\0")
