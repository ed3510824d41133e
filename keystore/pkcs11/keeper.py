"""Keeps one child alive: starts it, kills it when it hangs, replaces it with growing pauses."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec

from config.runtime.entropy import Entropy
from keystore.pkcs11.messages import Opening, Outcome, Reply, Request, Unframed, frame, unframe

_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from keystore.pkcs11.child import main; main(int(sys.argv[2]))"
)
_SECONDS_TO_LOAD = 15.0
_SECONDS_TO_OPEN = 2.5
_SECONDS_TO_END = 1.5
_LONGEST_PAUSE = 1.2
_FIRST_PAUSE = 0.1
_ROOM = 1 << 16
_REPLIES = msgspec.msgpack.Decoder(list[Reply])
_Future = asyncio.Future[Any]
_log = logging.getLogger(__name__)


class Line(asyncio.BufferedProtocol):
    """The key service's end of the socket pair. One turn of the loop says one frame."""

    def __init__(self, heard: Callable[[Reply], None]) -> None:
        self._heard = heard
        self._transport: asyncio.Transport | None = None
        self._arriving = memoryview(bytearray(_ROOM))
        self._received = bytearray()
        self._waiting: list[Request] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio.Transport, so it cannot be asked.
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._arriving

    def buffer_updated(self, nbytes: int) -> None:
        self._received += self._arriving[:nbytes]
        try:
            unframe(self._received, self._frame)
        except (Unframed, msgspec.DecodeError):
            _log.error("the PKCS#11 child sent something that is no frame")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def open(self, opening: Opening) -> None:
        """Send the first frame."""
        if self._transport is not None:
            self._transport.write(frame(opening))

    def say(self, request: Request) -> None:
        """Send a request together with the others of this turn of the loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(request)

    def close(self) -> None:
        """End the conversation; the child ends when it sees this."""
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        requests, self._waiting = self._waiting, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(requests))

    def _frame(self, body: bytes) -> None:
        for reply in _REPLIES.decode(body):
            self._heard(reply)


@dataclass(frozen=True, slots=True)
class _Stages:
    """How far a child that starts has come; both answers may arrive in one read."""

    loaded: asyncio.Future[Reply]
    opened: asyncio.Future[Reply]

    def hear(self, reply: Reply) -> None:
        stage = self.loaded if reply.outcome is Outcome.LOADED else self.opened
        if not stage.done():
            stage.set_result(reply)


@dataclass(frozen=True, slots=True)
class Events:
    """What the keeper tells: a child is ready, an answer came, no child is there and why."""

    ready: Callable[[], None]
    heard: Callable[[Reply], None]
    gone: Callable[[str], None]


class Keeper:
    """One child at a time. A refused PIN ends it for good: a second try could lock the token."""

    def __init__(self, opening: Opening, entropy: Entropy, events: Events) -> None:
        self._opening = opening
        self._entropy = entropy
        self._events = events
        self._line: Line | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stages: _Stages | None = None
        self._stopping = asyncio.Event()
        self._failures = 0
        self._refusal = ""
        self._proved = False

    @property
    def pid(self) -> int | None:
        """Return the number of the child's process, None while there is none."""
        return self._process.pid if self._process is not None else None

    def say(self, request: Request) -> None:
        """Send a request to the child, if there is one that is ready."""
        if self._line is not None:
            self._line.say(request)

    def kill(self) -> None:
        """Kill the child; ``run`` replaces it."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def stop(self) -> None:
        """Let ``run`` end its child and return; cancelling it may leave the child behind."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep a child until stopped or until the PIN is refused."""
        stopping = asyncio.create_task(self._stopping.wait())
        await self._keep(stopping)
        stopping.cancel()

    async def _keep(self, stopping: asyncio.Task[Any]) -> None:
        while not stopping.done():
            self._proved = False
            try:
                reason = await self._life(stopping)
            except OSError as failure:  # no process or descriptor to be had
                reason = f"no child: {failure.strerror}"
            if stopping.done():
                return
            if self._refusal:
                self._events.gone(self._refusal)
                _log.critical("PKCS#11 token: %s; not tried again", self._refusal)
                return
            self._failures = 0 if self._proved else self._failures + 1
            self._events.gone("" if self._proved else reason)
            _log.warning("PKCS#11 child ended (%s); starting another", reason or "no reason given")
            await asyncio.wait((stopping,), timeout=self._pause())

    def _pause(self) -> float:
        if not self._failures:
            return 0.0
        longest = min(_FIRST_PAUSE * (1 << min(self._failures, 8)), _LONGEST_PAUSE)
        return longest * (0.5 + self._entropy.bytes(1)[0] / 512)

    async def _life(self, stopping: asyncio.Task[Any]) -> str:
        """Start a child and stay until it ends; return why it did."""
        loop = asyncio.get_running_loop()
        self._stages = stages = _Stages(loop.create_future(), loop.create_future())
        line, process = await self._start()
        try:
            line.open(self._opening)
            failure = await self._open((line.ended, stopping), stages)
            if failure:
                return failure
            self._line = line
            self._events.ready()
            await asyncio.wait((line.ended, stopping), return_when=asyncio.FIRST_COMPLETED)
            return "the child ended"
        finally:
            self._line = None
            await self._end(line, process)

    async def _start(self) -> tuple[Line, asyncio.subprocess.Process]:
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        with theirs:
            _, line = await loop.create_connection(lambda: Line(self._heard), sock=ours)
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", _BOOT, _ROOT, str(theirs.fileno()),
                    pass_fds=(theirs.fileno(),),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )  # fmt: skip
            except OSError:
                line.close()
                raise
        return line, self._process

    async def _open(self, ends: tuple[_Future, _Future], stages: "_Stages") -> str:
        """Wait until the child is ready; return why it is not, nothing if it is."""
        for stage, seconds in (
            (stages.loaded, _SECONDS_TO_LOAD),
            (stages.opened, _SECONDS_TO_OPEN),
        ):
            waited_for: set[_Future] = {stage, stages.opened, *ends}
            await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not stages.opened.done():
            self.kill()  # a module that hangs does not see that the line ends
            return "the child did not open the token"
        reply = stages.opened.result()
        return "" if reply.outcome is Outcome.DONE else reply.reason

    async def _end(self, line: Line, process: asyncio.subprocess.Process) -> None:
        line.close()
        try:
            async with asyncio.timeout(_SECONDS_TO_END):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            self._process = None

    def _heard(self, reply: Reply) -> None:
        if reply.outcome is Outcome.PIN_REFUSED:
            self._refusal = reply.reason
            if reply.serial:  # the PIN was changed while the child ran
                self.kill()
        if reply.serial:
            self._proved = self._proved or reply.outcome is Outcome.DONE
            self._events.heard(reply)
        elif self._stages is not None:
            self._stages.hear(reply)
