"""A real notification receiver of a client, on this machine: it answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Received:
    """One request that came in."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        """Return the JSON of the body."""
        return msgspec.json.decode(self.body)


@dataclass(slots=True)
class Receiver:
    """``answers`` are given in turn, the last one again and again."""

    url: str = ""
    answers: list[bytes] = field(default_factory=lambda: [status(204)])
    got: list[Received] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append(Received(head[0], headers, body))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        writer.write(answer)
        await writer.drain()
        writer.close()


def status(code: int, body: bytes = b"", *headers: str) -> bytes:
    """Return an answer as it is on the wire."""
    lines = [f"HTTP/1.1 {code} x", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Listen at a free port."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ciba"
    async with server:
        yield made
