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
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from config.runtime.entropy import Entropy
from keystore.backends.backend import (
    DEADLINE,
    DIGEST,
    OF_PEOPLE,
    ONE_TIME_LIFE,
    Algorithm,
    Backend,
    NewKey,
    OneTimeKey,
    Sealing,
    UnknownKey,
    Unsupported,
    WrappedKey,
)
from keystore.backends.keyfile import KeyFile, StoredKey
from keystore.backends.software_keys import (
    ATTRIBUTES,
    Loaded,
    PrivateKey,
    Signer,
    digest_signer,
    keyed_hash,
    load,
    new_private_key,
    new_secret,
    pkcs8,
    private_key,
    signer,
    spki,
)
from keystore.door import KeyServiceUnavailable

T = TypeVar("T")

_SCHEME = "software"
_NONCE = 12
_MICROSECONDS = {
    Algorithm.ES256: 25,
    Algorithm.EDDSA: 35,
    Algorithm.ML_DSA_65: 1100,
    Algorithm.HMAC: 3,
    Algorithm.AES: 4,
}
_RSA_MICROSECONDS = 300
_SLOW = 30.0
"""Seconds that making a key, or deriving the key of the key file, may take."""
_SHORT = 1000
"""A batch expected to take fewer microseconds runs on the loop: a thread that takes and gives the
interpreter's lock once per signature costs more than it frees."""


@dataclass(frozen=True, slots=True)
class _OneTime:
    algorithm: Algorithm
    sign: Signer
    forgotten: asyncio.TimerHandle


class SoftwareKeysRefused(Exception):
    """This deployment did not say that it wants its keys in software."""


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
        self._loaded: dict[str, Loaded] = {}
        self._one_time: dict[str, _OneTime] = {}

    @property
    def scheme(self) -> str:
        return _SCHEME

    @property
    def gathers(self) -> bool:
        return False  # a keyed hash takes less than waiting for others who want one

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        def make() -> tuple[str, Loaded]:
            stored = StoredKey(algorithm, label, new_secret(algorithm, self._entropy))
            ref = f"{_SCHEME}:{self._entropy.token(16)}"
            with self._file.changing() as keys:
                keys[ref] = stored
            return ref, load(algorithm, stored.secret)

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
        return await self._signatures(sign, algorithm, messages)

    async def mac(self, ref: str, messages: Sequence[bytes]) -> list[bytes]:
        key = (await self._find(ref, Algorithm.HMAC)).secret

        def batch() -> list[bytes]:
            return [keyed_hash(key, message) for message in messages]

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

    @property
    def live(self) -> int:
        return len(self._one_time)

    async def one_time(self, algorithm: Algorithm) -> OneTimeKey:
        key, handle = _of_people(algorithm), self._entropy.token(16)
        loop = asyncio.get_running_loop()
        forgotten = loop.call_later(ONE_TIME_LIFE, self._one_time.pop, handle, None)
        self._one_time[handle] = _OneTime(algorithm, signer(key, algorithm), forgotten)
        return OneTimeKey(handle, spki(key), ATTRIBUTES)

    async def sign_and_destroy(
        self, handle: str, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        key = self._taken(handle)
        if key is None or key.algorithm is not algorithm:
            raise UnknownKey(f"no one-time {algorithm} key of this name")
        return await self._signatures(key.sign, algorithm, messages)

    async def discard(self, handle: str) -> None:
        self._taken(handle)

    async def wrapped(self, kek: str, algorithm: Algorithm) -> WrappedKey:
        wrapping = (await self._find(kek, Algorithm.KWP)).secret
        key = _of_people(algorithm)
        return WrappedKey(aes_key_wrap_with_padding(wrapping, pkcs8(key)), spki(key), ATTRIBUTES)

    async def rewrapped(self, kek: str, blob: bytes, algorithm: Algorithm, under: str) -> bytes:
        key = await self._unwrapped(kek, blob, algorithm)
        wrapping = (await self._find(under, Algorithm.KWP)).secret
        return aes_key_wrap_with_padding(wrapping, pkcs8(key))

    async def sign_wrapped(
        self, kek: str, blob: bytes, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        if algorithm not in OF_PEOPLE:
            raise UnknownKey(f"no {algorithm} key is wrapped")
        key = await self._unwrapped(kek, blob, algorithm)
        return await self._signatures(signer(key, algorithm), algorithm, messages)

    async def sign_wrapped_digests(
        self, kek: str, blob: bytes, digests: Sequence[bytes]
    ) -> list[bytes]:
        if any(len(digest) != DIGEST for digest in digests):
            raise ValueError(f"a digest has {DIGEST} octets")
        key = await self._unwrapped(kek, blob, Algorithm.ES256)
        return await self._signatures(digest_signer(key), Algorithm.ES256, digests)

    async def health(self) -> None:
        if not self._loaded:
            await self._load_new()
        await self._elsewhere(lambda: None)

    async def close(self) -> None:
        self._loaded.clear()
        for handle in list(self._one_time):
            self._taken(handle)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _unwrapped(self, kek: str, blob: bytes, algorithm: Algorithm) -> PrivateKey:
        wrapping = (await self._find(kek, Algorithm.KWP)).secret
        try:
            return private_key(aes_key_unwrap_with_padding(wrapping, blob), algorithm)
        except (InvalidUnwrap, ValueError):
            raise UnknownKey("not wrapped under this key, or altered") from None

    def _taken(self, handle: str) -> _OneTime | None:
        """Return a one-time key that nobody else will get."""
        key = self._one_time.pop(handle, None)
        if key is not None:
            key.forgotten.cancel()
        return key

    async def _signatures(
        self, sign: Signer, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        def batch() -> list[bytes]:
            return [sign(message) for message in messages]

        return await self._run(algorithm, len(messages), batch)

    async def _find(self, ref: str, algorithm: Algorithm) -> Loaded:
        found = self._loaded.get(ref)
        if found is None:
            await self._load_new()
            found = self._loaded.get(ref)
        if found is None or found.algorithm is not algorithm:
            raise UnknownKey(f"no {algorithm} key {ref}")
        return found

    async def _load_new(self) -> None:
        def read() -> dict[str, Loaded]:
            keys = self._file.read()
            return {
                name: load(keys[name].algorithm, keys[name].secret)
                for name in keys.keys() - self._loaded.keys()
            }

        self._loaded |= await self._elsewhere(read, deadline=_SLOW)

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


def _of_people(algorithm: Algorithm) -> PrivateKey:
    if algorithm not in OF_PEOPLE:
        raise Unsupported(f"a person's key is not made for {algorithm}")
    return new_private_key(algorithm)
