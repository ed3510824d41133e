"""The canonical list of the digests that a person approved, and its hash."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum

MOST = 500
"""Digests that one approval may cover."""

_DOMAIN = b"symbolon approved digests\0"


class HashAlgorithm(StrEnum):
    """With which hash documents were digested. Nothing weaker than SHA-256 is ever accepted."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def length(self) -> int:
        """Return how many octets a digest has."""
        return _LENGTHS[self]

    @property
    def oid(self) -> str:
        """Return its object identifier (RFC 5754 §2)."""
        return _OIDS[self]

    def of(self, content: bytes) -> bytes:
        """Return the digest of ``content``."""
        return hashlib.new(self.value, content).digest()


_LENGTHS = {one: hashlib.new(one.value).digest_size for one in HashAlgorithm}
_OIDS = {one: f"2.16.840.1.101.3.4.2.{number}" for number, one in enumerate(HashAlgorithm, start=1)}


def list_hash(algorithm: HashAlgorithm, digests: Sequence[bytes]) -> bytes:
    """Return the SHA-256 hash of the list: its algorithm, its length, each digest in its order.

    Raises ValueError when the list is empty or too long, or a digest has not its algorithm's
    length. No two lists have the same octets, because every length in them is fixed or written.
    """
    if not 0 < len(digests) <= MOST:
        raise ValueError(f"one approval covers 1 to {MOST} digests")
    if any(len(digest) != algorithm.length for digest in digests):
        raise ValueError(f"a digest of {algorithm} has {algorithm.length} octets")
    head = _DOMAIN + algorithm.value.encode() + b"\0" + len(digests).to_bytes(4, "big")
    return hashlib.sha256(head + b"".join(digests)).digest()
