"""HTTP/1.1 for `Web` under uvicorn: bounded heads, and answers written at once.

uvicorn bounds neither the size of a request's head nor the time that it takes, and checks and
copies every header of every answer, which costs as much as making the answer. What is not `Web`'s
own goes uvicorn's way.
"""

import asyncio
import logging
from contextlib import aclosing
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from config.runtime.web.answer import Streamed
from config.runtime.web.call import WHOLE
from config.runtime.web.router import Nobody, Reply, Web

LARGEST_HEAD = 65_536
"""Bytes of request line and headers; a request object by value needs the most of them."""

MOST_HEADERS = 100

HEAD_SECONDS = 10.0
"""A connection that has not sent a whole head by then is closed."""

_log = logging.getLogger("symbolon.web")


TAKEN_SECONDS = 30.0
"""A client that does not take WRITTEN octets of a long answer in so long is left."""

WRITTEN = 65_536
"""Octets of a long answer that are written at once: a line of 2 kB in a second takes them."""

LINGER_SECONDS = 2.0
"""So long what a client still sends is thrown away, so that it can read why (RFC 9112 §9.6)."""


class HeadRefused(Exception):
    """The head is too large. httptools turns this into its own error, uvicorn that into a 400."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Give the class to ``uvicorn.Config(http=...)``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_open = False
        self._head_size = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._left = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; whoever connects has to speak soon."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._head_arrived()
        super().connection_lost(exc)

    def _received(self, data: bytes) -> None:
        """Take what came; a head that is still not whole is measured and timed."""
        if self._left:
            return
        super().data_received(data)
        if self._head_open and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self.send_400_response("The head of the request is too large.")
            elif self._head_timer is None:
                self._expect_head()

    data_received = _received  # asyncio's name for it

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head_open = True
        self._head_size = 0

    def on_headers_complete(self) -> None:
        """End a head: answer, or refuse what is too much."""
        self._head_open = False
        self._head_arrived()
        if len(self.headers) > MOST_HEADERS:
            raise HeadRefused
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a body: whoever reads it need not watch the clock."""
        super().on_message_complete()
        self.scope[WHOLE] = True  # type: ignore[literal-required]

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not isinstance(app, Web):
            super()._start_asgi_task(cycle, app)
            return
        task = self.loop.create_task(self._answer(cycle, app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _answer(self, cycle: Any, web: Web) -> None:
        try:
            reply = await web.reply(cycle.scope, cycle.receive)
            if isinstance(reply, Reply):
                if self.flow.write_paused:
                    await self.flow.drain()
                if not cycle.disconnected:
                    self._write_head(cycle, reply)
                    if reply.streamed is not None:
                        await self._write_pieces(cycle, reply.streamed)
                    self._end(cycle)
            elif reply is Nobody.OURS and web.fallback is not None:
                await cycle.run_asgi(web.fallback)
        except BaseException as end:
            self.transport.close()
            if isinstance(end, Exception):
                _log.error("unexpected %s", type(end).__name__, exc_info=end)
            else:
                raise
        finally:
            cycle.on_response = _nothing

    def _write_head(self, cycle: RequestResponseCycle, reply: Reply) -> None:
        """Write the head, and the body if it is not streamed."""
        lines = [STATUS_LINE[reply.status]]
        for name, value in self.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        for name, value in reply.headers:
            lines += (name, b": ", value, b"\r\n")
        if reply.last:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"\r\n", reply.body)
        cycle.response_started = True
        self.transport.write(b"".join(lines))

    async def _write_pieces(self, cycle: RequestResponseCycle, streamed: Streamed) -> None:
        """Write a long body as quickly as the client takes it."""
        async with aclosing(streamed.pieces) as pieces:
            async for piece in pieces:
                for start in range(0, len(piece), WRITTEN):
                    self.transport.write(piece[start : start + WRITTEN])
                    try:
                        async with asyncio.timeout(TAKEN_SECONDS):
                            await self.flow.drain()
                    except TimeoutError:
                        self.transport.abort()
                    if cycle.disconnected or self.transport.is_closing():
                        return

    def _end(self, cycle: RequestResponseCycle) -> None:
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._leave(unread=WHOLE not in cycle.scope)
        cycle.on_response()

    def _leave(self, *, unread: bool) -> None:
        """Close; what is still to come would else take the answer from under the client's eyes."""
        if not unread or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._left = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _nothing() -> None:
    """Stand where a callback stood, so that connection and request let go of one another."""
