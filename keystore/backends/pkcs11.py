"""Key backend on a PKCS#11 token (HSM, SoftHSM): the asyncio side of the child that holds it.

The child can hang or die without stalling the loop or any other backend: each call has a deadline,
a child that does not answer is killed and replaced, and what was in flight fails as unavailable.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.backends.backend import DEADLINE, SIGNING, Algorithm, NewKey, Sealing, UnknownKey
from keystore.door import KeyServiceUnavailable
from keystore.pkcs11.keeper import Events, Keeper
from keystore.pkcs11.messages import Opening, Outcome, Reply, Request, Verb
from keystore.pkcs11.pin import PinSource
from keystore.pkcs11.uri import BadUri, Pkcs11Uri

_SECONDS_TO_GENERATE = 10.0
_MOST_PENDING = 4096
_log = logging.getLogger(__name__)


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


@dataclass(slots=True)
class _Call:
    request: Request
    answer: asyncio.Future[Reply]
    timer: asyncio.TimerHandle | None = None
    sent: float = 0.0


class Pkcs11Backend:
    """Fills ``keystore.backends.backend.Backend``. Nothing starts before the first call."""

    def __init__(self, token: Pkcs11Token, clock: Clock, entropy: Entropy) -> None:
        """Raise BadUri if the token's address is no PKCS#11 URI."""
        self._token = token
        self._address = Pkcs11Uri.parse(token.address)
        self._clock = clock
        self._calls: dict[int, _Call] = {}
        self._serial = 0
        self._ready = False
        self._down = ""
        self._last_heard = 0.0
        self._task: asyncio.Task[None] | None = None
        events = Events(ready=self._now_ready, heard=self._heard, gone=self._gone)
        self._keeper = Keeper(_opening(token), entropy, events)

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
        return self._keeper.pid

    async def generate(self, algorithm: Algorithm, label: str) -> NewKey:
        """Make a key on the token. The deadline is 10 s here: RSA takes its time."""
        name = label.encode("ascii")
        if len(name) > 64:
            raise ValueError("a label has at most 64 characters")
        key_id, public = await self._ask(Verb.GENERATE, name, algorithm)
        assert key_id is not None and public is not None
        return NewKey(str(replace(self._address, id=key_id)), public)

    async def public_key(self, ref: str, algorithm: Algorithm) -> bytes:
        """Return the SubjectPublicKeyInfo in DER, or raise UnknownKey."""
        (public,) = await self._ask(Verb.PUBLIC_KEY, self._key_id(ref), algorithm)
        return public or b""

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
        sealed = await self._ask(Verb.ENCRYPT, self._key_id(ref), Algorithm.AES, texts)
        return [text for text in sealed if text is not None]

    async def decrypt(self, ref: str, texts: Sequence[Sealing]) -> list[bytes | None]:
        """Return each plaintext, None for one that was altered or bound to something else."""
        if not texts:
            return []
        return await self._ask(Verb.DECRYPT, self._key_id(ref), Algorithm.AES, texts)

    async def destroy(self, ref: str) -> None:
        """Destroy the key for ever; nothing happens if it is not there."""
        try:
            key_id = self._key_id(ref)
        except UnknownKey:
            return
        await self._ask(Verb.DESTROY, key_id)

    async def health(self) -> None:
        """Return if the token answers, raise KeyServiceUnavailable with the reason if not."""
        await self._ask(Verb.PROBE)

    async def close(self) -> None:
        """End the child; keys stay. What is in flight fails."""
        self._gone("the backend was closed")
        task, self._task = self._task, None
        if task is not None:
            self._keeper.stop()
            await task

    async def _all(
        self, verb: Verb, ref: str, algorithm: Algorithm, messages: Sequence[bytes]
    ) -> list[bytes]:
        if not messages:
            return []
        texts = [Sealing(message, b"") for message in messages]
        answers = await self._ask(verb, self._key_id(ref), algorithm, texts)
        return [text for text in answers if text is not None]

    def _key_id(self, ref: str) -> bytes:
        try:
            uri = Pkcs11Uri.parse(ref)
        except BadUri as failure:
            raise UnknownKey(str(failure)) from None
        if not uri.id or not uri.within(self._address):
            raise UnknownKey("the reference names no key of this token")
        return uri.id

    async def _ask(
        self,
        verb: Verb,
        key_id: bytes = b"",
        algorithm: str = "",
        texts: Sequence[Sealing] = (),
    ) -> list[bytes | None]:
        if self._task is None:
            self._down = ""
            self._task = asyncio.create_task(self._keeper.run())
        if self._down:
            raise KeyServiceUnavailable(self._down)
        if len(self._calls) >= _MOST_PENDING:
            raise KeyServiceUnavailable("the token has too much to do")
        seconds = _SECONDS_TO_GENERATE if verb is Verb.GENERATE else self._token.deadline
        self._serial += 1
        request = Request(
            serial=self._serial,
            verb=verb,
            until=self._clock.elapsed() + seconds,
            algorithm=algorithm,
            key_id=key_id,
            texts=[text.text for text in texts],
            bound_to=[text.bound_to for text in texts],
        )
        return _texts(await self._answer(request, seconds))

    def _answer(self, request: Request, seconds: float) -> asyncio.Future[Reply]:
        loop = asyncio.get_running_loop()
        call = _Call(request, loop.create_future())
        call.timer = loop.call_later(seconds, self._expire, request.serial)
        self._calls[request.serial] = call
        if self._ready:
            self._say(call)
        return call.answer

    def _say(self, call: _Call) -> None:
        call.sent = self._clock.elapsed()
        self._keeper.say(call.request)

    def _expire(self, serial: int) -> None:
        call = self._calls[serial]
        _fail(call, "the token did not answer in time")
        if not call.sent:
            del self._calls[serial]
        elif self._last_heard < call.sent and not self._generating():
            self._replace_child()  # silent for a whole deadline: stalled
        else:  # the child answers others: it may be behind, or this one thread hangs
            grace = 2 * self._token.deadline
            call.timer = asyncio.get_running_loop().call_later(grace, self._replace_child)

    def _replace_child(self) -> None:
        self._keeper.kill()
        self._gone("")

    def _generating(self) -> bool:
        """Say whether a key is being made: some tokens do nothing else meanwhile."""
        return any(call.request.verb is Verb.GENERATE for call in self._calls.values())

    def _now_ready(self) -> None:
        self._ready, self._down = True, ""
        self._last_heard = self._clock.elapsed()
        for call in self._calls.values():
            self._say(call)

    def _heard(self, reply: Reply) -> None:
        self._last_heard = self._clock.elapsed()
        call = self._calls.pop(reply.serial, None)
        if reply.outcome is Outcome.BAD_SIGNATURE:
            _log.critical("PKCS#11 token %s made a bad signature; withheld", self._address)
        if call is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        if not call.answer.done():
            call.answer.set_result(reply)

    def _gone(self, reason: str) -> None:
        """Fail what was in flight. Without a reason the next calls wait for the next child."""
        self._ready, self._down = False, reason
        for call in [call for call in self._calls.values() if call.sent or reason]:
            del self._calls[call.request.serial]
            if call.timer is not None:
                call.timer.cancel()
            _fail(call, reason or "the process that holds the token ended")


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


def _fail(call: _Call, reason: str) -> None:
    if not call.answer.done():
        call.answer.set_exception(KeyServiceUnavailable(reason))


def _texts(reply: Reply) -> list[bytes | None]:
    if reply.outcome is Outcome.DONE:
        return reply.texts
    if reply.outcome is Outcome.UNKNOWN_KEY:
        raise UnknownKey(reply.reason)
    raise KeyServiceUnavailable(reply.reason)
