"""One HTTP/1.1 connection as a client: a request in one write, an answer read within bounds."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpResponseParser

LARGEST_HEAD = 65_536
"""Bytes of status line and headers that are read at most."""


class Unreadable(Exception):
    """What came is no HTTP answer, or not a whole one; or the request could not be written."""


class TooLarge(Exception):
    """The body is longer than the caller reads."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Names of headers are in lower case; one that stands twice is joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the request as it is sent; raise Unreadable for text that leaves its line."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    if not all(line.isascii() and line.isprintable() for line in lines):
        raise Unreadable("a header cannot hold this")
    return "\r\n".join((*lines, "", "")).encode() + body


class Line(asyncio.Protocol):
    """A connection that carries one request after another."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._parser: HttpResponseParser | None = None
        self._limit = 0
        self._status = 0
        self._head_size = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self.reusable = False

    async def ask(self, request: bytes, limit: int) -> Response:
        """Return the answer to ``request``; raise TooLarge for a body of more than ``limit`` bytes.

        Whatever ends this early ends the connection.
        """
        if self._transport is None:
            raise Unreadable("the connection was closed")
        self.reusable = False
        self._parser = HttpResponseParser(self)
        self._limit = limit
        self._begin()
        self._body = bytearray()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            if not self.reusable:
                self.close()

    def close(self) -> None:
        """End the connection."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def connection_lost(self, reason: Exception | None) -> None:
        self._transport = None
        self.reusable = False
        # A body without a length lasts until the connection ends (RFC 9112 §6.3).
        endless = self._status and not {"content-length", "transfer-encoding"} & {*self._headers}
        if endless and reason is None:
            self._settle()
        self._fail(Unreadable("the connection ended"))

    def _received(self, data: bytes) -> None:
        if self._parser is None or self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self._fail(Unreadable("not HTTP"))
        if not self._status:
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self._fail(Unreadable("the head is too large"))

    data_received = _received  # asyncio's name for it

    def on_message_begin(self) -> None:
        if self._answer is not None and self._answer.done():
            self.close()  # a second answer to one request
            self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self._status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self._body += piece
        if len(self._body) > self._limit:
            self._fail(TooLarge())

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._status < 200:
            self._begin()  # the answer is still to come (RFC 9110 §15.2)
            return
        if self._answer is not None and not self._answer.done():
            self.reusable = self._parser.should_keep_alive()
            self._settle()

    def _begin(self) -> None:
        self._status = self._head_size = 0
        self._headers = {}

    def _settle(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Response(self._status, self._headers, bytes(self._body)))

    def _fail(self, reason: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self.close()
            self._answer.set_exception(reason)
