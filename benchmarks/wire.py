"""An HTTP/1.1 client that costs little: one keep-alive connection, whole requests as bytes."""

import asyncio
import re
from dataclasses import dataclass
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.I)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^=;\r]+)=([^;\r]*)([^\r]*)", re.I)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. ``head`` is everything before the empty line."""

    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str | None:
        """Return where the answer redirects to."""
        found = _LOCATION.search(self.head)
        return found.group(1).decode() if found else None

    def cookies(self) -> list[tuple[str, str, bool]]:
        """Return name, value and whether it stays, of every cookie that is set."""
        return [
            (name.decode(), value.decode(), bool(value) and b"1970" not in rest)
            for name, value, rest in _COOKIE.findall(self.head)
        ]


class Connection(asyncio.Protocol):
    """One connection; ``ask`` sends a request and waits for its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._received = b""

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a server on this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> Response:
        """Send ``request`` and return its answer; raises ConnectionError."""
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        body = _body(head, self._received[end + 4 :])
        if body is None or self._waiting is None:
            return
        self._received = b""
        self._waiting.set_result(Response(int(head[9:12]), head, body))


def _body(head: bytes, rest: bytes) -> bytes | None:
    """Return the whole body, None while some of it is missing."""
    if _CHUNKED.search(head):
        return _joined(rest) if rest.endswith(b"0\r\n\r\n") else None
    found = _LENGTH.search(head)
    length = int(found.group(1)) if found else 0
    return rest if len(rest) >= length else None


def _joined(chunks: bytes) -> bytes:
    whole = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        if int(size, 16) == 0:
            return whole
        whole, chunks = whole + chunks[: int(size, 16)], chunks[int(size, 16) + 2 :]


def get(host: str, path: str, *headers: str) -> bytes:
    """Return a GET request."""
    return _request("GET", host, path, headers, None)


def post(host: str, path: str, body: bytes, *headers: str) -> bytes:
    """Return a POST request with a form."""
    kind = "Content-Type: application/x-www-form-urlencoded"
    return _request("POST", host, path, (kind, *headers), body)


def post_json(host: str, path: str, body: bytes, token: str) -> bytes:
    """Return a POST request with JSON, by the bearer of ``token``."""
    headers = ("Content-Type: application/json", f"Authorization: Bearer {token}")
    return _request("POST", host, path, headers, body)


def post_octets(host: str, path: str, kind: str, body: bytes) -> bytes:
    """Return a POST request of anybody, with a body of the media type ``kind``."""
    return _request("POST", host, path, (f"Content-Type: {kind}",), body)


def _request(
    method: str, host: str, path: str, headers: tuple[str, ...], body: bytes | None
) -> bytes:
    size = () if body is None else (f"Content-Length: {len(body)}",)
    lines = (f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, *size, "", "")
    return "\r\n".join(lines).encode() + (body or b"")
