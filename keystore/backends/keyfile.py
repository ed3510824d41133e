"""One encrypted file of private keys: read whole, replaced whole, never seen in the clear on disk.

The file is a msgpack array: how the file's key is derived, a nonce, and the AES-256-GCM ciphertext
of all keys, with the derivation as associated data. Several key services may share one file:
writers take turns with a lock file beside it.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.runtime.entropy import Entropy
from keystore.backends.backend import Algorithm

_FORMAT = 1
_NONCE = 12
_COST = (3, 65536, 4)
"""Passes, KiB and lanes: the second recommendation of RFC 9106 §4."""


class KeyFileRefused(Exception):
    """The key file is missing its secret, was altered, or lies open to others."""


class StoredKey(msgspec.Struct, frozen=True, array_like=True):
    """A private key: PKCS#8 in DER, or the octets of a secret key."""

    algorithm: Algorithm
    label: str
    secret: bytes

    def __repr__(self) -> str:
        return f"StoredKey({self.algorithm}, {self.label!r}, ***)"


class Derivation(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How the file's key comes from the operator's secret, by argon2id (RFC 9106)."""

    salt: bytes
    passes: int
    kibibytes: int
    lanes: int

    def key(self, secret: bytes) -> bytes:
        """Return the AES-256 key."""
        return hash_secret_raw(
            secret, self.salt, self.passes, self.kibibytes, self.lanes, hash_len=32, type=Type.ID
        )


class _Sealed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    format: int
    derivation: Derivation
    nonce: bytes
    ciphertext: bytes


class KeyFile:
    """The file and the secret that opens it. Methods block: call them from a thread."""

    def __init__(
        self, path: Path, secret: bytes, entropy: Entropy, cost: tuple[int, int, int] = _COST
    ) -> None:
        """``cost`` is what deriving the key of a new file takes: passes, KiB and lanes."""
        if len(secret) < 16:
            raise KeyFileRefused("the secret of the key file needs at least 16 octets")
        self._path = path
        self._secret = secret
        self._entropy = entropy
        self._cost = cost
        self._derived: tuple[Derivation, bytes] | None = None

    def read(self) -> dict[str, StoredKey]:
        """Return every key by its name; none if the file does not exist yet."""
        try:
            if self._path.stat().st_mode & 0o077:
                raise KeyFileRefused(f"{self._path} can be read by others: chmod 600 it")
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            sealed = msgspec.msgpack.decode(raw, type=_Sealed)
            if sealed.format != _FORMAT:
                raise ValueError("written by another version of this program")
            plain = AESGCM(self._key(sealed.derivation)).decrypt(
                sealed.nonce, sealed.ciphertext, _associated(sealed.derivation)
            )
            return msgspec.msgpack.decode(plain, type=dict[str, StoredKey])
        except (InvalidTag, msgspec.DecodeError, ValueError) as reason:
            raise KeyFileRefused(f"{self._path}: wrong secret, or altered") from reason

    @contextmanager
    def changing(self) -> Iterator[dict[str, StoredKey]]:
        """Yield the keys as they are now, alone; what they are afterwards replaces the file."""
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = self.read()
            before = dict(keys)
            yield keys
            if keys != before:
                self._replace(keys)
        finally:
            os.close(lock)

    def _replace(self, keys: Mapping[str, StoredKey]) -> None:
        if self._derived is None:
            self._key(Derivation(self._entropy.bytes(16), *self._cost))
        assert self._derived is not None
        derivation, key = self._derived
        nonce = self._entropy.bytes(_NONCE)
        plain = msgspec.msgpack.encode(keys)
        ciphertext = AESGCM(key).encrypt(nonce, plain, _associated(derivation))
        raw = msgspec.msgpack.encode(_Sealed(_FORMAT, derivation, nonce, ciphertext))
        fresh = self._path.with_name(self._path.name + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as written:
            os.fchmod(handle, 0o600)
            written.write(raw)
            written.flush()
            os.fsync(handle)
        os.replace(fresh, self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _key(self, derivation: Derivation) -> bytes:
        if self._derived is None or self._derived[0] != derivation:
            if derivation.kibibytes > 1 << 20 or derivation.passes > 16:
                raise ValueError("a derivation this costly was not written by this program")
            self._derived = derivation, derivation.key(self._secret)
        return self._derived[1]


def _associated(derivation: Derivation) -> bytes:
    return b"symbolon key file\0" + msgspec.msgpack.encode((_FORMAT, derivation))
