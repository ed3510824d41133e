"""One connection to the key service, which comes back by itself.

Requests of one turn of the event loop leave in one write; replies find their request by its id.
Every request is answered or raises KeyServiceUnavailable within its deadline. One that can be
repeated and whose connection was lost is sent again on the next connection.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from keystore.door import KeyServiceUnavailable
from keystore.service import frames

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25
REPEATS = 3
"""How often a request is sent again whose connection was lost; restarts may be cut short too."""
_SWEEPS = 20
_MOST_WAITING = 10_000


@dataclass(slots=True)
class _Asked:
    frame: bytes
    answer: "asyncio.Future[frames.Reply]"
    until: float
    repeats: int
    sent: bool = False


class Connection:
    """Asks the key service at ``path``; connects when first asked, and again when it was lost."""

    def __init__(self, path: Path, deadline: float, on_change: Callable[[], None]) -> None:
        self._path = path
        self._deadline = deadline
        self._on_change = on_change
        self._ids = 0
        self._pause = 0.0
        self._waiting: dict[int, _Asked] = {}
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        """Say whether the key service is at the other end now."""
        return self._transport is not None

    async def ask(
        self,
        request: Callable[[int], frames.Request],
        *,
        repeats: int = REPEATS,
        deadline: float | None = None,
    ) -> frames.Reply:
        """Return the reply to what ``request`` makes of a fresh id, or raise."""
        if len(self._waiting) >= _MOST_WAITING:
            raise KeyServiceUnavailable("too many requests wait for the key service")
        self._ids += 1
        number = self._ids
        loop = asyncio.get_running_loop()
        until = loop.time() + (deadline or self._deadline)
        asked = _Asked(frames.encode(request(number)), loop.create_future(), until, repeats)
        self._waiting[number] = asked
        if self._sweep is None:
            self._sweep = loop.call_later(self._deadline / _SWEEPS, self._expire)
        self._submit(asked)
        try:
            return await asked.answer
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Hang up; whoever waits is told that the key service is unavailable."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._sweep is not None:
            self._sweep.cancel()
        for asked in self._waiting.values():
            _fail(asked, "the connection was closed")
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def made(self, transport: asyncio.Transport) -> None:
        """Note a new connection and send what waits."""
        self._transport = transport
        self._unsent = []
        for asked in self._waiting.values():
            self._submit(asked)

    def lost(self) -> None:
        """Note that the connection is gone; connect again if somebody waits."""
        self._transport = None
        self._unsent = []
        for asked in self._waiting.values():
            if asked.sent:
                asked.sent = False
                asked.repeats -= 1
                if asked.repeats < 0:
                    _fail(asked, "the connection was lost, and whether it was done is not known")
        if any(not asked.answer.done() for asked in self._waiting.values()):
            self._connect()

    def replied(self, reply: frames.Reply) -> None:
        """Hand ``reply`` to who waits for it."""
        self._pause = 0.0
        if reply.id == frames.CHANGED:
            self._on_change()
            return
        asked = self._waiting.get(reply.id)
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(reply)

    def _submit(self, asked: _Asked) -> None:
        if self._transport is None:
            self._connect()
            return
        asked.sent = True
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(asked.frame)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            self._transport.write(b"".join(unsent))

    def _connect(self) -> None:
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.get_running_loop().create_task(self._keep_connecting())

    async def _keep_connecting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._transport is None and self._waiting:
            # The pause shrinks again only after a reply: a service may accept and then hang up.
            await asyncio.sleep(self._pause)
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            with contextlib.suppress(OSError):
                await loop.create_unix_connection(lambda: _Wire(self), str(self._path))

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for asked in self._waiting.values():
            if asked.until <= now:
                _fail(asked, "the key service did not answer in time")
        waits = bool(self._waiting)
        self._sweep = loop.call_later(self._deadline / _SWEEPS, self._expire) if waits else None


class _Wire(asyncio.BufferedProtocol):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = frames.FrameReader()
        self._buffer = bytearray(frames.CHUNK)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._connection.made(self._transport)

    def connection_lost(self, reason: Exception | None) -> None:
        self._connection.lost()

    def get_buffer(self, hint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        try:
            replies = self._reader.feed(bytes(self._buffer[:count]), frames.REPLIES)
        except frames.BadFrame:
            assert self._transport is not None
            self._transport.abort()
            return
        for reply in replies:
            self._connection.replied(reply)


def _fail(asked: _Asked, reason: str) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(KeyServiceUnavailable(reason))
