"""Authenticated encryption of one value at a time under a key that the caller was handed.

A person's attributes are cells: each opens only with that person's key, and only in the row that it
was sealed for (architecture §8). Keys of the key service itself never come here.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.runtime.entropy import Entropy
from keystore.door import BadSeal

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_BLOCK = 32
"""Plaintexts are padded to this many bytes, so that a cell's length does not tell a name's."""


def row(*parts: str) -> bytes:
    """Return the one encoding of a row's name (person, attribute, locale ...) to bind a cell to.

    Each part is preceded by its length: no two lists of parts have the same encoding.
    """
    encoded = (part.encode() for part in parts)
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


class Cells:
    """Seals and opens cells with AES-256-GCM (NIST SP 800-38D) under one key of 32 bytes."""

    __slots__ = ("_cipher", "_entropy")

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        if len(key) != KEY_BYTES:
            raise BadSeal("a cell key has 32 bytes")
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes:
        """Return version (1 byte) || nonce (12) || ciphertext || tag (16)."""
        nonce = self._entropy.bytes(_NONCE_BYTES)
        padding = b"\x80".ljust(_BLOCK - len(plaintext) % _BLOCK, b"\0")
        return _VERSION + nonce + self._cipher.encrypt(nonce, plaintext + padding, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Return what was sealed for the row ``bound_to``, or raise BadSeal."""
        if sealed[:1] != _VERSION:
            raise BadSeal("a cell of an unknown version")
        nonce, encrypted = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            padded = self._cipher.decrypt(nonce, encrypted, bound_to)
        except (InvalidTag, ValueError):  # ValueError: the nonce is cut short
            raise BadSeal("a cell does not open in this row") from None
        return padded[: padded.rindex(b"\x80")]
