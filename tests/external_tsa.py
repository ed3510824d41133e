"""A time-stamp authority of somebody else on this machine: openssl behind HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.runtime.clock import Clock, SystemClock
from config.runtime.entropy import SystemEntropy
from config.settings.esignet import TimestampSource
from esignet.evidence.timestamps import rfc3161
from esignet.evidence.timestamps.port import Ground, Stamps
from tests.receiver import status
from tests.small_pki import SmallPki

REPLY = "content-type: application/timestamp-reply"
POLICY = "1.3.6.1.4.1.59999.1"


@dataclass(slots=True)
class Tsa:
    """``answer`` makes the octets on the wire of a request, None never answers."""

    pki: SmallPki
    answer: Callable[[bytes], bytes] | None = None
    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    crls: dict[str, bytes] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    responders: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def granted(self, request: bytes) -> bytes:
        """The honest answer."""
        return status(200, self.pki.stamp_response(request), REPLY)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; whoever stops this server waits until that is over."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.serving.add(task)
        try:
            await task
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self.serving.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if head.startswith("get "):
            self.looked.append(head.split()[1])
            crl = self.crls.get(self.looked[-1])
            answer = status(200, crl, "content-type: application/pkix-crl") if crl else status(404)
            writer.write(answer)
            return
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        request = await reader.readexactly(length)
        answering = self.responders.get(head.split()[1], self.answer)
        if answering is self.answer:
            self.asked.append(request)
        if answering is None:
            await reader.read()  # until the other side gives up
        else:
            writer.write(await asyncio.to_thread(answering, request))
        if answering is None:
            self.gone.set()

    def at(self, path: str) -> str:
        """An address of this server."""
        return self.url.removesuffix("/tsr") + path

    def source(
        self,
        directory: Path,
        clock: Clock | None = None,
        *,
        loopback: bool = True,
        **changes: object,
    ) -> Stamps:
        """What the settings make of it."""
        chosen = {"anchors": str(self.pki.pem(directory)), "timeout": 60.0, **changes}
        source = TimestampSource(kind="rfc3161", address=self.url, **chosen)  # type: ignore[arg-type]
        ground = Ground(
            documents=None,  # type: ignore[arg-type]
            clock=clock or SystemClock(),
            entropy=SystemEntropy(),
            loopback=loopback,
        )
        return rfc3161.build(source, ground)


@asynccontextmanager
async def tsa(pki: SmallPki) -> AsyncIterator[Tsa]:
    """Listen at a free port, and answer honestly."""
    made = Tsa(pki)
    made.answer = made.granted
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tsr"
    async with server:
        yield made
        async with asyncio.timeout(30):
            while made.serving:
                await asyncio.sleep(0)
