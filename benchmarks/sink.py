"""Where the worker of the benchmark posts one-time codes: counted, and thrown away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
_STILL = 0.15
"""Seconds without a message after which the worker has caught up."""

_PATIENCE = 10.0


class Sink:
    """An HTTP server that takes every message. ``url`` is what the worker is told."""

    def __init__(self) -> None:
        self.url = ""
        self.received = 0

    async def quiet(self) -> None:
        """Return when no message comes any more: then all work of the logins is done."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _PATIENCE
        seen = -1
        while seen != self.received and loop.time() < give_up:
            seen = self.received
            await asyncio.sleep(_STILL)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, after = head.partition(b"content-length:")
                await reader.readexactly(int(after.split(b"\r\n", 1)[0]))
                self.received += 1
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    """Run a sink until the block ends."""
    sink = Sink()
    server = await asyncio.start_server(sink.take, "127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield sink
    finally:
        server.close()
