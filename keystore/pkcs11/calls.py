"""Calls to the child that holds a token: each is answered, fails at its deadline, or ends with it.

The child can hang or die without stalling the loop or any other backend: a child that does not
answer is killed and replaced, and what was in flight fails as unavailable.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from keystore.backends.backend import UnknownKey, Unsupported
from keystore.door import KeyServiceUnavailable
from keystore.pkcs11.keeper import Events, Keeper
from keystore.pkcs11.messages import Opening, Outcome, Reply, Request, Verb

_SECONDS_TO_GENERATE = 10.0
_MOST_PENDING = 4096
_ENDING = frozenset({Verb.SIGN_ONCE, Verb.DISCARD})
"""Verbs that are never refused for want of room: each ends a key that waits for it."""
_log = logging.getLogger(__name__)

Settled = Callable[[Reply | None], None]
"""Told once how a call ended at the child; None: it never came there, or the child is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One thing to have done, as ``messages.Request`` says it."""

    verb: Verb
    key_id: bytes = b""
    algorithm: str = ""
    texts: Sequence[bytes] = ()
    bound_to: Sequence[bytes] = ()
    blob: bytes = b""
    settled: Settled | None = None


@dataclass(slots=True)
class _Call:
    request: Request
    answer: asyncio.Future[Reply]
    settled: Settled | None
    timer: asyncio.TimerHandle | None = None
    sent: float = 0.0

    def end(self, reply: Reply | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.settled is not None:
            self.settled(reply)


class Calls:
    """The calls to one token. Nothing starts before the first; ``ended`` is told of each child's
    end, after what was in flight has failed."""

    def __init__(
        self,
        opening: Opening,
        clock: Clock,
        entropy: Entropy,
        deadline: float,
        ended: Callable[[], None],
    ) -> None:
        self._address = opening.address
        self._clock = clock
        self._deadline = deadline
        self._ended = ended
        self._calls: dict[int, _Call] = {}
        self._serial = 0
        self._ready = False
        self._down = ""
        self._last_heard = 0.0
        self._task: asyncio.Task[None] | None = None
        events = Events(ready=self._now_ready, heard=self._heard, gone=self._gone)
        self._keeper = Keeper(opening, entropy, events)

    @property
    def child(self) -> int | None:
        """Return the number of the child's process, None while there is none."""
        return self._keeper.pid

    async def ask(self, order: Order) -> list[bytes | None]:
        """Return the child's answer. Raises UnknownKey, Unsupported, KeyServiceUnavailable."""
        return _texts(await self.begin(order))

    def begin(self, order: Order) -> asyncio.Future[Reply]:
        """Send an order and return its answer to come. Raises KeyServiceUnavailable."""
        if self._task is None:
            self._down = ""
            self._task = asyncio.create_task(self._keeper.run())
        too_much = len(self._calls) >= _MOST_PENDING and order.verb not in _ENDING
        if self._down or too_much:
            if order.settled is not None:
                order.settled(None)
            raise KeyServiceUnavailable(self._down or "the token has too much to do")
        generating = order.verb is Verb.GENERATE
        seconds = max(_SECONDS_TO_GENERATE if generating else 0, self._deadline)
        self._serial += 1
        request = Request(
            serial=self._serial,
            verb=order.verb,
            until=self._clock.elapsed() + seconds,
            algorithm=order.algorithm,
            key_id=order.key_id,
            texts=list(order.texts),
            bound_to=list(order.bound_to),
            blob=order.blob,
        )
        return self._answer(request, order.settled, seconds)

    async def close(self) -> None:
        """End the child. What is in flight fails."""
        self._gone("the backend was closed")
        task, self._task = self._task, None
        if task is not None:
            self._keeper.stop()
            await task

    def _answer(
        self, request: Request, settled: Settled | None, seconds: float
    ) -> asyncio.Future[Reply]:
        loop = asyncio.get_running_loop()
        call = _Call(request, loop.create_future(), settled)
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
            call.end(None)
        elif self._last_heard < call.sent and not self._generating():
            self._replace_child()  # silent for a whole deadline: stalled
        else:  # the child answers others: it may be behind, or this one thread hangs
            grace = 2 * self._deadline
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
        call.end(reply)
        if not call.answer.done():
            call.answer.set_result(reply)

    def _gone(self, reason: str) -> None:
        """Fail what was in flight. Without a reason the next calls wait for the next child."""
        self._ready, self._down = False, reason
        for call in [call for call in self._calls.values() if call.sent or reason]:
            del self._calls[call.request.serial]
            call.end(None)
            _fail(call, reason or "the process that holds the token ended")
        self._ended()


def _fail(call: _Call, reason: str) -> None:
    if not call.answer.done():
        call.answer.set_exception(KeyServiceUnavailable(reason))


def _texts(reply: Reply) -> list[bytes | None]:
    if reply.outcome is Outcome.DONE:
        return reply.texts
    if reply.outcome is Outcome.UNKNOWN_KEY:
        raise UnknownKey(reply.reason)
    if reply.outcome is Outcome.UNSUPPORTED:
        raise Unsupported(reply.reason)
    raise KeyServiceUnavailable(reply.reason)
