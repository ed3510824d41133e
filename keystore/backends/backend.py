"""The port of key backends: whatever can hold private keys and use them.

A key is named by its ``ref``, an opaque URI whose scheme names the backend (``software:...``,
``pkcs11:...``). A key has one algorithm for its whole life; the caller says it at each use and the
backend refuses another one, so an RSA key never serves both RS256 and PS256.

Every method may raise ``keystore.door.KeyServiceUnavailable`` and does so within ``DEADLINE``
seconds: a dead or stalled token delays only those who need that token. None blocks the event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from keystore.door import KeyServiceUnavailable

DEADLINE = 0.8
"""Seconds within which a backend answers or raises: less than the second that the door promises."""

ONE_TIME_LIFE = 30.0
"""Seconds after which a one-time key that nobody used is destroyed."""


class Algorithm(StrEnum):
    """What a key is made for. The first four are names of RFC 7518 §3.1 and RFC 8037 §3.1."""

    ES256 = "ES256"  # P-256 with SHA-256
    RS256 = "RS256"  # RSA 2048, PKCS#1 v1.5 with SHA-256
    PS256 = "PS256"  # RSA 2048, PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes
    EDDSA = "EdDSA"  # Ed25519
    ML_DSA_65 = "ML-DSA-65"  # FIPS 204, for what must outlive elliptic curves
    HMAC = "HMAC"  # HMAC-SHA-256 with 32 random bytes
    AES = "AES"  # AES-256-GCM
    KWP = "KWP"  # AES-256 key wrap with padding (RFC 5649): wraps keys and does nothing else


SIGNING = frozenset(
    {
        Algorithm.ES256,
        Algorithm.RS256,
        Algorithm.PS256,
        Algorithm.EDDSA,
        Algorithm.ML_DSA_65,
    }
)
OF_PEOPLE = frozenset({Algorithm.ES256, Algorithm.EDDSA})
"""What one-time and wrapped keys may be: made in a moment, on every token."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``public`` is its SubjectPublicKeyInfo in DER, empty for a secret key."""

    ref: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Sealing:
    """One text to encrypt or to decrypt, and the associated data that it is bound to."""

    text: bytes
    bound_to: bytes


@dataclass(frozen=True, slots=True)
class OneTimeKey:
    """A key that lives until it is used once. ``public`` is its SubjectPublicKeyInfo in DER.

    ``attributes`` are what the token says of the key, by PKCS#11 name (``CKA_NEVER_EXTRACTABLE``).
    """

    handle: str
    public: bytes
    attributes: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key that lies outside the token, under a wrapping key that never leaves it.

    ``blob`` is opaque; whoever stores it binds it to its owner, for wrapping does not. ``public``
    is the SubjectPublicKeyInfo in DER, ``attributes`` what the token said when it made the key.
    """

    blob: bytes
    public: bytes
    attributes: Mapping[str, bool]


DIGEST = 32
"""Octets of what ``sign_wrapped_digests`` signs."""


class UnknownKey(Exception):
    """The backend holds no key of this name and algorithm."""


class Unsupported(KeyServiceUnavailable):
    """This backend can never do that, for it lacks the algorithm or mechanism. Nothing was made."""


class Backend(Protocol):
    """Holds keys and uses them. Batches keep their order; a batch fails as a whole."""

    @property
    def scheme(self) -> str:
        """Return the scheme of this backend's key references, without the colon."""
        ...

    @property
    def gathers(self) -> bool:
        """Return whether one call for many items costs less than a call for each of them."""
        ...

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        """Make a key that survives a restart; ``label`` (64 ASCII characters) is for people."""
        ...

    async def public_key(self, ref: str, algorithm: Algorithm) -> bytes:
        """Return the SubjectPublicKeyInfo (RFC 5280 §4.1) in DER, or raise UnknownKey."""
        ...

    async def sign(self, ref: str, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        """Return a JWS signature (RFC 7518 §3: r || s for ECDSA) of each, or raise UnknownKey."""
        ...

    async def mac(self, ref: str, messages: Sequence[bytes]) -> list[bytes]:
        """Return HMAC-SHA-256 (32 bytes) of each message, or raise UnknownKey."""
        ...

    async def encrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes]:
        """Return nonce (12 bytes) || ciphertext || tag (16 bytes) of each, or raise UnknownKey."""
        ...

    async def decrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes | None]:
        """Return each plaintext, None for one that was altered or bound to something else."""
        ...

    async def destroy(self, ref: str) -> None:
        """Destroy the key for ever; nothing happens if it is not there."""
        ...

    @property
    def live(self) -> int:
        """Return how many one-time keys may exist now; 0 once every one was used or discarded."""
        ...

    async def one_time(self, algorithm: Algorithm) -> OneTimeKey:
        """Make a key that is never stored and never leaves, or raise Unsupported.

        It is destroyed by ``sign_and_destroy``, by ``discard``, after ``ONE_TIME_LIFE`` seconds,
        and if this call fails or is cancelled.
        """
        ...

    async def sign_and_destroy(
        self, handle: str, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Return a JWS signature of each message. The key is gone afterwards, on every path.

        Raises UnknownKey for a key that was used, discarded or forgotten, or is of another
        algorithm.
        """
        ...

    async def discard(self, handle: str) -> None:
        """Destroy a one-time key unused; nothing happens if it is not there."""
        ...

    async def wrapped(self, kek: str, algorithm: Algorithm) -> WrappedKey:
        """Make a signing key and wrap it under ``kek``, the ref of a key for ``Algorithm.KWP``.

        Nothing of it stays in the backend. Raises UnknownKey (no such wrapping key), Unsupported.
        """
        ...

    async def rewrapped(self, kek: str, blob: bytes, algorithm: Algorithm, under: str) -> bytes:
        """Return the same key wrapped under another key of this backend, which was tried.

        It is in clear in the backend alone, and not afterwards. Raises UnknownKey if ``blob`` is no
        key of this algorithm under ``kek``, Unsupported.
        """
        ...

    async def sign_wrapped(
        self, kek: str, blob: bytes, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Unwrap a key, sign each message as JWS does, and destroy what was unwrapped.

        Raises UnknownKey if ``blob`` is no key of this algorithm under ``kek``.
        """
        ...

    async def sign_wrapped_digests(
        self, kek: str, blob: bytes, digests: Sequence[bytes]
    ) -> list[bytes]:
        """Return r || s of each SHA-256 digest, signed as it is by a wrapped ES256 key.

        Raises as ``sign_wrapped``, and ValueError for a digest that has not 32 octets.
        """
        ...

    async def health(self) -> None:
        """Return if keys can be used, raise KeyServiceUnavailable with the reason if not."""
        ...

    async def close(self) -> None:
        """Let go of threads, children and sessions; keys stay."""
        ...
