"""The Merkle tree of the audit log: RFC 9162 §2.1.1 with SHA-256, kept as its peaks only.

Appending and computing the root need one hash per perfect subtree (one per bit that is set in the
size): the whole log is never held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

HASH = 32
"""Bytes of a hash."""


def leaf_hash(place: int, row: tuple[int, int, str, str, str, str]) -> bytes:
    """Return the hash of the entry (number, at, actor, action, about, details) at ``place``."""
    return sha256(b"\0" + leaf_octets(place, row)).digest()


def leaf_octets(place: int, row: tuple[int, int, str, str, str, str]) -> bytes:
    """Return what is hashed for the entry at ``place``: a JSON array."""
    return msgspec.json.encode((place, *row))


def parent(left: bytes, right: bytes) -> bytes:
    """Return the hash above two (RFC 9162 §2.1.1)."""
    return sha256(b"\1" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over perfect subtrees that stand beside one another, largest first."""
    *others, root = hashes
    for one in reversed(others):
        root = parent(one, root)
    return root


@dataclass(frozen=True, slots=True)
class Tree:
    """A log of ``size`` entries. ``peaks`` are the roots of its perfect subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Tree":
        """Return the tree with one more leaf."""
        peaks, node, size = list(self.peaks), leaf, self.size
        while size & 1:
            node = parent(peaks.pop(), node)
            size >>= 1
        return Tree(self.size + 1, (*peaks, node))

    def root(self) -> bytes:
        """Return MTH of RFC 9162 §2.1.1."""
        if not self.peaks:
            return sha256(b"").digest()
        return folded(self.peaks)

    def pack(self) -> bytes:
        """Return the peaks as they are stored."""
        return b"".join(self.peaks)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> "Tree":
        """Return the tree of ``size`` whose ``pack`` is ``packed``; ValueError if it is none."""
        if size < 0 or len(packed) != size.bit_count() * HASH:
            raise ValueError("the peaks of the audit log do not fit its size")
        return cls(
            size, tuple(packed[start : start + HASH] for start in range(0, len(packed), HASH))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A promise about the first ``size`` entries, made at ``at``."""

    size: int
    root: bytes
    at: int
    signature: bytes = b""

    def signed_text(self) -> bytes:
        """Return the bytes that the signature is over."""
        return f"symbolon audit log\n{self.size}\n{self.root.hex()}\n{self.at}\n".encode()
