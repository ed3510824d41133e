"""Key backend on a PKCS#11 token (HSM, SoftHSM): the port's verbs, asked of the token's child."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.backends.backend import (
    DEADLINE,
    DIGEST,
    OF_PEOPLE,
    ONE_TIME_LIFE,
    SIGNING,
    Algorithm,
    NewKey,
    OneTimeKey,
    Sealing,
    UnknownKey,
    Unsupported,
    WrappedKey,
)
from keystore.door import KeyServiceUnavailable
from keystore.pkcs11.calls import Calls, Order
from keystore.pkcs11.handles import Handles
from keystore.pkcs11.messages import Opening, Reply, Verb
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.recorded import said
from keystore.pkcs11.uri import BadUri, Pkcs11Uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Token:
    """Where a token is and how it is used. ``variables`` are for the module's environment."""

    module: str
    address: str
    pin: PinSource
    reserved: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    threads: int = 4
    deadline: float = DEADLINE
    verified: frozenset[Algorithm] = SIGNING
    """Algorithms whose signatures are proved with the public key before anybody gets them."""

    one_time_life: float = ONE_TIME_LIFE


class Pkcs11Backend:
    """Fills ``keystore.backends.backend.Backend``. Nothing starts before the first call."""

    def __init__(self, token: Pkcs11Token, clock: Clock, entropy: Entropy) -> None:
        """Raise BadUri if the token's address is no PKCS#11 URI."""
        self._address = Pkcs11Uri.parse(token.address)
        self._entropy = entropy
        self._handles = Handles(self._destroy_unasked, token.one_time_life)
        self._calls = Calls(_opening(token), clock, entropy, token.deadline, self._handles.all_gone)

    @property
    def scheme(self) -> str:
        """Return ``pkcs11``."""
        return "pkcs11"

    @property
    def gathers(self) -> bool:
        """Return True: each call is a message to a child."""
        return True

    @property
    def child(self) -> int | None:
        """Return the number of the child's process, None while there is none."""
        return self._calls.child

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        """Make a key on the token. The deadline is 10 s here: RSA takes its time."""
        name = label.encode("ascii")
        if len(name) > 64:
            raise ValueError("a label has at most 64 characters")
        order = Order(verb=Verb.GENERATE, key_id=name, algorithm=algorithm)
        key_id, public = _all(await self._calls.ask(order))
        return NewKey(str(replace(self._address, id=key_id)), public)

    async def public_key(self, ref: str, algorithm: Algorithm) -> bytes:
        """Return the SubjectPublicKeyInfo in DER, or raise UnknownKey."""
        order = Order(verb=Verb.PUBLIC_KEY, key_id=self._key_id(ref), algorithm=algorithm)
        (public,) = _all(await self._calls.ask(order))
        return public

    async def sign(self, ref: str, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        """Return a JWS signature per message, or raise UnknownKey."""
        if algorithm not in SIGNING:
            raise UnknownKey(f"{algorithm} does not sign")
        return await self._all(Verb.SIGN, ref, algorithm, messages)

    async def mac(self, ref: str, messages: Sequence[bytes]) -> list[bytes]:
        """Return HMAC-SHA-256 of each message, or raise UnknownKey."""
        return await self._all(Verb.MAC, ref, Algorithm.HMAC, messages)

    async def encrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes]:
        """Return nonce || ciphertext || tag of each text, or raise UnknownKey."""
        if not texts:
            return []
        return _all(await self._calls.ask(self._sealing(Verb.ENCRYPT, ref, texts)))

    async def decrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes | None]:
        """Return each plaintext, None for one that was altered or bound to something else."""
        if not texts:
            return []
        return await self._calls.ask(self._sealing(Verb.DECRYPT, ref, texts))

    async def destroy(self, ref: str) -> None:
        """Destroy the key for ever; nothing happens if it is not there."""
        try:
            key_id = self._key_id(ref)
        except UnknownKey:
            return
        await self._calls.ask(Order(verb=Verb.DESTROY, key_id=key_id))

    @property
    def live(self) -> int:
        """Return how many one-time keys may exist in the child, those being made included."""
        return len(self._handles)

    async def one_time(self, algorithm: Algorithm) -> OneTimeKey:
        """Make a session object that signs and never leaves. Raises Unsupported."""
        _refuse_unfit(algorithm)
        name = self._entropy.bytes(16)
        self._handles.expect(name, algorithm)
        made = partial(self._handles.made, name)
        order = Order(verb=Verb.ONE_TIME, key_id=name, algorithm=algorithm, settled=made)
        try:
            public, attributes = _all(await self._calls.ask(order))
        except BaseException:
            self._handles.unwanted(name)
            raise
        return OneTimeKey(name.hex(), public, said(attributes))

    async def sign_and_destroy(
        self, handle: str, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Sign and destroy in one message to the child, or raise UnknownKey."""
        name = _name(handle)
        self._handles.take(name, algorithm)
        order = Order(
            verb=Verb.SIGN_ONCE,
            key_id=name,
            algorithm=algorithm,
            texts=messages,
            settled=partial(self._gone, name),
        )
        return _all(await self._calls.ask(order))

    async def discard(self, handle: str) -> None:
        """Destroy a one-time key unused; nothing happens if it is not there."""
        name = _name(handle)
        if not self._handles.leave(name):
            return
        await self._calls.ask(self._discarding(name))

    async def wrapped(self, kek: str, algorithm: Algorithm) -> WrappedKey:
        """Make a key, wrap it under ``kek`` and destroy it, all in the child."""
        _refuse_unfit(algorithm)
        order = Order(verb=Verb.WRAP, key_id=self._key_id(kek), algorithm=algorithm)
        blob, public, attributes = _all(await self._calls.ask(order))
        return WrappedKey(blob, public, said(attributes))

    async def rewrapped(self, kek: str, blob: bytes, algorithm: Algorithm, under: str) -> bytes:
        """Unwrap, wrap and destroy in one message to the child, or raise UnknownKey."""
        if algorithm not in OF_PEOPLE:
            raise UnknownKey(f"no {algorithm} key is wrapped")
        order = Order(
            verb=Verb.REWRAP,
            key_id=self._key_id(kek),
            algorithm=algorithm,
            texts=[self._key_id(under)],
            blob=blob,
        )
        (moved,) = _all(await self._calls.ask(order))
        return moved

    async def sign_wrapped(
        self, kek: str, blob: bytes, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        """Unwrap, sign and destroy in one message to the child, or raise UnknownKey."""
        if algorithm not in OF_PEOPLE:
            raise UnknownKey(f"no {algorithm} key is wrapped")
        order = Order(
            verb=Verb.SIGN_WRAPPED,
            key_id=self._key_id(kek),
            algorithm=algorithm,
            texts=messages,
            blob=blob,
        )
        return _all(await self._calls.ask(order))

    async def sign_wrapped_digests(
        self, kek: str, blob: bytes, digests: Sequence[bytes]
    ) -> list[bytes]:
        """Unwrap, sign each digest as it is (CKM_ECDSA) and destroy, or raise UnknownKey."""
        if any(len(digest) != DIGEST for digest in digests):
            raise ValueError(f"a digest has {DIGEST} octets")
        order = Order(
            verb=Verb.SIGN_WRAPPED_DIGESTS,
            key_id=self._key_id(kek),
            algorithm=Algorithm.ES256,
            texts=digests,
            blob=blob,
        )
        return _all(await self._calls.ask(order))

    async def session_keys(self) -> int:
        """Return how many private keys the token itself counts in sessions: none are left over
        when this is 0."""
        (count,) = _all(await self._calls.ask(Order(verb=Verb.PROBE)))
        return int.from_bytes(count, "big")

    async def health(self) -> None:
        """Return if the token answers, raise KeyServiceUnavailable with the reason if not."""
        await self._calls.ask(Order(verb=Verb.PROBE))

    async def close(self) -> None:
        """End the child; keys stay. What is in flight fails."""
        await self._calls.close()

    async def _all(
        self, verb: Verb, ref: str, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        if not messages:
            return []
        key_id = self._key_id(ref)
        order = Order(verb=verb, key_id=key_id, algorithm=algorithm, texts=messages)
        return _all(await self._calls.ask(order))

    def _sealing(self, verb: Verb, ref: str, texts: Sequence[Sealing]) -> Order:
        return Order(
            verb=verb,
            key_id=self._key_id(ref),
            algorithm=Algorithm.AES,
            texts=[text.text for text in texts],
            bound_to=[text.bound_to for text in texts],
        )

    def _discarding(self, name: bytes) -> Order:
        return Order(verb=Verb.DISCARD, key_id=name, settled=partial(self._gone, name))

    def _gone(self, name: bytes, reply: Reply | None) -> None:
        self._handles.gone(name)

    def _destroy_unasked(self, name: bytes) -> None:
        """Have a key destroyed whose caller does not wait for it."""
        with suppress(KeyServiceUnavailable):  # no child any more, so no key
            self._calls.begin(self._discarding(name)).add_done_callback(_seen)

    def _key_id(self, ref: str) -> bytes:
        try:
            uri = Pkcs11Uri.parse(ref)
        except BadUri as failure:
            raise UnknownKey(str(failure)) from None
        if not uri.id or not uri.within(self._address):
            raise UnknownKey("the reference names no key of this token")
        return uri.id


def _opening(token: Pkcs11Token) -> Opening:
    return Opening(
        module=token.module,
        reserved=token.reserved,
        address=token.address,
        pin_file=token.pin.file,
        pin_variable=token.pin.variable,
        variables=dict(token.variables),
        threads=token.threads,
        verified=sorted(token.verified),
    )


def _refuse_unfit(algorithm: Algorithm) -> None:
    if algorithm not in OF_PEOPLE:
        raise Unsupported(f"a person's key is not made for {algorithm}")


def _name(handle: str) -> bytes:
    try:
        return bytes.fromhex(handle)
    except ValueError:
        return b""


def _seen(answer: "asyncio.Future[Reply]") -> None:
    if not answer.cancelled():
        answer.exception()  # asked for, so that its absence is not reported


def _all(texts: list[bytes | None]) -> list[bytes]:
    return [text for text in texts if text is not None]
