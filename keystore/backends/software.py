"""Keys in this process's memory and one encrypted file: for the demo, tests and small deployments.

Whoever reads this process's memory has the keys, so outside the demo a deployment must say that it
wants them (``allowed``).
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.runtime.entropy import Entropy
from keystore.backends.backend import (
    DEADLINE,
    SIGNING,
    Algorithm,
    Backend,
    NewKey,
    Sealing,
    UnknownKey,
)
from keystore.backends.keyfile import KeyFile, StoredKey
from keystore.door import KeyServiceUnavailable

T = TypeVar("T")
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey

_SCHEME = "software"
_NONCE = 12
_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(padding.MGF1(_SHA256), 32)
_MICROSECONDS = {Algorithm.ES256: 25, Algorithm.EDDSA: 35, Algorithm.HMAC: 3, Algorithm.AES: 4}
_RSA_MICROSECONDS = 300
_SLOW = 30.0
"""Seconds that making a key, or deriving the key of the key file, may take."""
_SHORT = 1000
"""A batch expected to take fewer microseconds runs on the loop: a thread that takes and gives the
interpreter's lock once per signature costs more than it frees."""


class SoftwareKeysRefused(Exception):
    """This deployment did not say that it wants its keys in software."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    algorithm: Algorithm
    sign: Callable[[bytes], bytes] | None
    public: bytes
    mac: bytes
    cipher: AESGCM | None


class SoftwareBackend(Backend):
    """Holds keys in memory; the file is read at start, and again when a key is not known."""

    def __init__(self, file: KeyFile, entropy: Entropy, *, allowed: bool, threads: int = 2) -> None:
        if not allowed:
            raise SoftwareKeysRefused(
                "keys in software are for the demo; set keys.software_allowed to use them anyway"
            )
        self._file = file
        self._entropy = entropy
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="software-keys")
        self._loaded: dict[str, _Loaded] = {}

    @property
    def scheme(self) -> str:
        return _SCHEME

    @property
    def gathers(self) -> bool:
        return False  # a keyed hash takes less than waiting for others who want one

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        def make() -> tuple[str, _Loaded]:
            stored = StoredKey(algorithm, label, _new_secret(algorithm, self._entropy))
            ref = f"{_SCHEME}:{self._entropy.token(16)}"
            with self._file.changing() as keys:
                keys[ref] = stored
            return ref, _load(stored)

        # RSA keys take seconds at times, and nobody waits for one but an operator.
        ref, loaded = await self._elsewhere(make, deadline=_SLOW)
        self._loaded[ref] = loaded
        return NewKey(ref, loaded.public)

    async def public_key(self, ref: str, algorithm: Algorithm) -> bytes:
        return (await self._find(ref, algorithm)).public

    async def sign(self, ref: str, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        sign = (await self._find(ref, algorithm)).sign
        if sign is None:
            raise UnknownKey(f"{ref} does not sign")

        def batch() -> list[bytes]:
            return [sign(message) for message in messages]

        return await self._run(algorithm, len(messages), batch)

    async def mac(self, ref: str, messages: Sequence[bytes]) -> list[bytes]:
        key = (await self._find(ref, Algorithm.HMAC)).mac

        def batch() -> list[bytes]:
            return [_hmac(key, message) for message in messages]

        return await self._run(Algorithm.HMAC, len(messages), batch)

    async def encrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes]:
        cipher = (await self._find(ref, Algorithm.AES)).cipher
        assert cipher is not None

        def one(text: Sealing) -> bytes:
            nonce = self._entropy.bytes(_NONCE)
            return nonce + cipher.encrypt(nonce, text.text, text.bound_to)

        return await self._run(Algorithm.AES, len(texts), lambda: [one(text) for text in texts])

    async def decrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes | None]:
        cipher = (await self._find(ref, Algorithm.AES)).cipher
        assert cipher is not None

        def one(text: Sealing) -> bytes | None:
            try:
                return cipher.decrypt(text.text[:_NONCE], text.text[_NONCE:], text.bound_to)
            except (InvalidTag, ValueError):
                return None

        return await self._run(Algorithm.AES, len(texts), lambda: [one(text) for text in texts])

    async def destroy(self, ref: str) -> None:
        def forget() -> None:
            with self._file.changing() as keys:
                keys.pop(ref, None)

        await self._elsewhere(forget, deadline=_SLOW)
        self._loaded.pop(ref, None)

    async def health(self) -> None:
        if not self._loaded:
            await self._load_new()
        await self._elsewhere(lambda: None)

    async def close(self) -> None:
        self._loaded.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _find(self, ref: str, algorithm: Algorithm) -> _Loaded:
        found = self._loaded.get(ref)
        if found is None:
            await self._load_new()
            found = self._loaded.get(ref)
        if found is None or found.algorithm is not algorithm:
            raise UnknownKey(f"no {algorithm} key {ref}")
        return found

    async def _load_new(self) -> None:
        def load() -> dict[str, _Loaded]:
            keys = self._file.read()
            return {name: _load(keys[name]) for name in keys.keys() - self._loaded.keys()}

        self._loaded |= await self._elsewhere(load, deadline=_SLOW)

    async def _run(self, algorithm: Algorithm, count: int, work: Callable[[], T]) -> T:
        if _MICROSECONDS.get(algorithm, _RSA_MICROSECONDS) * count < _SHORT:
            return work()
        return await self._elsewhere(work)

    async def _elsewhere(self, work: Callable[[], T], deadline: float = DEADLINE) -> T:
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError as reason:
            raise KeyServiceUnavailable("software keys are overloaded") from reason


def _new_secret(algorithm: Algorithm, entropy: Entropy) -> bytes:
    key: PrivateKey
    match algorithm:
        case Algorithm.HMAC | Algorithm.AES:
            return entropy.bytes(32)
        case Algorithm.ES256:
            key = ec.generate_private_key(ec.SECP256R1())
        case Algorithm.EDDSA:
            key = Ed25519PrivateKey.generate()
        case Algorithm.RS256 | Algorithm.PS256:
            key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load(stored: StoredKey) -> _Loaded:
    algorithm = stored.algorithm
    if algorithm is Algorithm.HMAC:
        return _Loaded(algorithm, None, b"", stored.secret, None)
    if algorithm is Algorithm.AES:
        return _Loaded(algorithm, None, b"", b"", AESGCM(stored.secret))
    assert algorithm in SIGNING
    key = serialization.load_der_private_key(stored.secret, None)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _Loaded(algorithm, _signer(key, algorithm), public, b"", None)


def _signer(key: object, algorithm: Algorithm) -> Callable[[bytes], bytes]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        elliptic = key

        def ecdsa(message: bytes) -> bytes:
            r, s = decode_dss_signature(elliptic.sign(message, _ECDSA))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        return ecdsa
    if isinstance(key, rsa.RSAPrivateKey):
        modular = key
        scheme = _PSS if algorithm is Algorithm.PS256 else _PKCS1
        return lambda message: modular.sign(message, scheme, _SHA256)
    assert isinstance(key, Ed25519PrivateKey)
    return key.sign


def _hmac(key: bytes, message: bytes) -> bytes:
    keyed = hmac.HMAC(key, _SHA256)
    keyed.update(message)
    return keyed.finalize()
