"""Keys that live in a session of the token: made or unwrapped, used, destroyed on every path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from config.runtime.clock import Clock
from keystore.backends.backend import Algorithm
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.errors import BadArgument, KeyGone, NotSupported, Pkcs11Error, Recoverable
from keystore.pkcs11.keys import audit, make_in_session, unwrapped
from keystore.pkcs11.operations import NoSuchKey, Operations
from keystore.pkcs11.public import PublicKey, Verification, public_key, public_of, spki
from keystore.pkcs11.session import Session
from keystore.pkcs11.signing import digest_signatures, signatures
from keystore.pkcs11.structures import AttributeValue, Mechanism
from keystore.pkcs11.token import Token

_WRAPPINGS = (Mechanism(ck.CKM_AES_KEY_WRAP_KWP), Mechanism(ck.CKM_AES_KEY_WRAP_PAD))
"""Key wrap with padding by its number of v3.0; older modules have it by the other (RFC 5649)."""
_TEMPLATE_INCOMPLETE = 0xD0
"""CKR_TEMPLATE_INCOMPLETE: NSS softoken unwraps only with an attribute of its own."""


class TooLate(Exception):
    """Whoever asked for the key waits no more: it was destroyed at once."""


class Undestroyed(Exception):
    """The token would not destroy a key. Only the end of the process ends the key."""


class _Wrapped(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A key outside the token. The public key is there to prove what the private key signs."""

    public: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    handle: int
    generation: int
    prove: Verification | None


@dataclass(frozen=True, slots=True)
class _Made:
    handle: int
    public: PublicKey
    recorded: bytes


class EphemeralKeys:
    """One-time keys by name, and keys that lie wrapped outside. Any thread may call."""

    def __init__(self, token: Token, operations: Operations, clock: Clock) -> None:
        """``operations`` finds the wrapping keys and says which signatures are proved."""
        self._token = token
        self._operations = operations
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}

    def make(self, name: bytes, algorithm: Algorithm, until: float) -> tuple[bytes, bytes]:
        """Make a one-time key; return its SubjectPublicKeyInfo and its recorded attributes.

        Raises TooLate after destroying it if it is ``until`` by now.
        """

        def make(session: Session) -> tuple[bytes, bytes]:
            made = _made(session, algorithm)
            if self._clock.elapsed() >= until:
                _destroy(session, made.handle)
                raise TooLate("the key was made too late")
            prove = self._operations.proof(made.public, algorithm)
            self._kept[name] = _Kept(made.handle, session.generation, prove)
            return spki(made.public), made.recorded

        return self._token.use(make, keeping=True)

    def sign(self, name: bytes, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        """Return a proved signature per message. Raises NoSuchKey, BadSignature, Pkcs11Error."""

        def sign(session: Session) -> list[bytes]:
            key = self._kept.get(name)
            if key is None or key.generation != session.generation:
                raise NoSuchKey("the one-time key is gone")
            return signatures(session, key.handle, algorithm, key.prove, messages)

        return self._token.use(sign)

    def destroy(self, name: bytes) -> None:
        """Destroy a one-time key; none is no error. Raises Undestroyed."""
        key = self._kept.pop(name, None)
        if key is None:
            return

        def destroy(session: Session) -> None:
            if session.generation == key.generation:  # otherwise its session is closed
                _destroy(session, key.handle)

        try:
            self._token.use(destroy, keeping=True)
        except Pkcs11Error as failure:
            raise Undestroyed(str(failure)) from failure

    def wrap_new(self, kek: bytes, algorithm: Algorithm) -> tuple[bytes, bytes, bytes]:
        """Make a key; return it wrapped, its SubjectPublicKeyInfo and its recorded attributes."""

        def wrap(session: Session) -> tuple[bytes, bytes, bytes]:
            wrapping = self._operations.key(session, kek, Algorithm.KWP)
            made = _made(session, algorithm, extractable=True)
            try:
                key = _wrapped(session, wrapping.handle, made.handle)
            finally:
                _destroy(session, made.handle)
            public = spki(made.public)
            return msgspec.msgpack.encode(_Wrapped(public, key)), public, made.recorded

        return self._token.use(wrap, keeping=True)

    def rewrap(self, kek: bytes, blob: bytes, algorithm: Algorithm, under: bytes) -> bytes:
        """Return a wrapped key under another wrapping key. Raises NoSuchKey as ``sign_wrapped``."""
        outside, _ = _outside(blob)

        def move(session: Session) -> bytes:
            opening = self._operations.key(session, kek, Algorithm.KWP)
            wrapping = self._operations.key(session, under, Algorithm.KWP)
            key = _unwrapped(session, opening.handle, outside, algorithm, extractable=True)
            try:
                moved = _Wrapped(outside.public, _wrapped(session, wrapping.handle, key))
            finally:
                _destroy(session, key)
            # The old one is forgotten for the new one: only once it is known to open.
            _destroy(session, _unwrapped(session, wrapping.handle, moved, algorithm))
            return msgspec.msgpack.encode(moved)

        return self._token.use(move)

    def sign_wrapped(
        self, kek: bytes, blob: bytes, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Unwrap a key, sign with it and destroy it. Raises NoSuchKey for what does not unwrap."""
        outside, public = _outside(blob)
        prove = self._operations.proof(public, algorithm)

        def sign(session: Session, key: int) -> list[bytes]:
            return signatures(session, key, algorithm, prove, messages)

        return self._with_unwrapped(kek, outside, algorithm, sign)

    def sign_wrapped_digests(
        self, kek: bytes, blob: bytes, digests: Sequence[bytes]
    ) -> list[bytes]:
        """Do the same with an ES256 key, which signs SHA-256 digests as they are."""
        outside, public = _outside(blob)
        try:
            prove = self._operations.digest_proof(public)
        except ValueError:
            raise NoSuchKey("the wrapped key does not sign digests") from None

        def sign(session: Session, key: int) -> list[bytes]:
            return digest_signatures(session, key, prove, digests)

        return self._with_unwrapped(kek, outside, Algorithm.ES256, sign)

    def _with_unwrapped(
        self,
        kek: bytes,
        outside: _Wrapped,
        algorithm: Algorithm,
        sign: Callable[[Session, int], list[bytes]],
    ) -> list[bytes]:
        def unwrap(session: Session) -> list[bytes]:
            wrapping = self._operations.key(session, kek, Algorithm.KWP)
            key = _unwrapped(session, wrapping.handle, outside, algorithm)
            try:
                return sign(session, key)
            finally:
                _destroy(session, key)

        return self._token.use(unwrap)


def _outside(blob: bytes) -> tuple[_Wrapped, PublicKey]:
    """Return a wrapped key and its public part, or raise NoSuchKey."""
    try:
        outside = msgspec.msgpack.decode(blob, type=_Wrapped)
        return outside, public_key(outside.public)
    except (msgspec.DecodeError, ValueError):
        raise NoSuchKey("this is no wrapped key") from None


def _made(session: Session, algorithm: Algorithm, *, extractable: bool = False) -> _Made:
    """Make and audit a pair, of which the private key is left: the caller destroys it."""
    public, private = make_in_session(session, algorithm, extractable=extractable)
    try:
        recorded = audit(session, private, algorithm, extractable=extractable)
        key = public_of(session, public, algorithm)
        if key is None:
            raise NoSuchKey("the token made no public key of this kind")
        _destroy(session, public)
    except BaseException:
        for handle in (public, private):
            _destroy(session, handle)
        raise
    return _Made(private, key, recorded)


def _destroy(session: Session, handle: int) -> None:
    """Destroy an object. What may pass is raised as it is: the session is closed then, which
    destroys as well."""
    try:
        session.destroy(handle)
    except KeyGone:
        return
    except Recoverable:
        raise
    except Pkcs11Error as failure:
        raise Undestroyed(str(failure)) from failure


def _wrapped(session: Session, kek: int, key: int) -> bytes:
    *first, last = _WRAPPINGS
    for mechanism in first:
        try:
            return session.wrap(mechanism, kek, key)
        except NotSupported:
            continue
    return session.wrap(last, kek, key)


def _unwrapped(
    session: Session,
    kek: int,
    outside: _Wrapped,
    algorithm: Algorithm,
    *,
    extractable: bool = False,
) -> int:
    """Return the handle of an unwrapped key. Raises NoSuchKey if it was wrapped elsewhere."""
    try:
        return _unwrap(session, kek, outside, unwrapped(algorithm, extractable=extractable))
    except Pkcs11Error:
        if not _still_unwraps(session, kek, algorithm):
            raise
        raise NoSuchKey("not wrapped under this key, or altered") from None


def _unwrap(
    session: Session, kek: int, outside: _Wrapped, values: Mapping[int, AttributeValue]
) -> int:
    try:
        return _unwrap_as(session, kek, outside.key, values)
    except BadArgument as failure:
        if failure.code != _TEMPLATE_INCOMPLETE:
            raise
        return _unwrap_as(session, kek, outside.key, {**values, ck.CKA_NSS_DB: outside.public})


def _unwrap_as(session: Session, kek: int, key: bytes, values: Mapping[int, AttributeValue]) -> int:
    *first, last = _WRAPPINGS
    for mechanism in first:
        try:
            return session.unwrap(mechanism, kek, key, values)
        except NotSupported:
            continue
    return session.unwrap(last, kek, key, values)


def _still_unwraps(session: Session, kek: int, algorithm: Algorithm) -> bool:
    """Tell an altered key from a failing token where the module says the same of both."""
    made = _made(session, algorithm, extractable=True)
    try:
        proof = _Wrapped(spki(made.public), _wrapped(session, kek, made.handle))
    finally:
        _destroy(session, made.handle)
    _destroy(session, _unwrap(session, kek, proof, unwrapped(algorithm)))
    return True
