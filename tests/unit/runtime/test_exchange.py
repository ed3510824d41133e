"""One connection of the HTTP client: every shape of an answer, and what is no answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.clock import SystemClock
from config.runtime.destinations import Rules
from config.runtime.exchange import Line, TooLarge, Unreadable, request_bytes
from config.runtime.outbound import KEPT, Fetcher, Outgoing

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """A transport on which nothing flows by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True


async def answered(*pieces: bytes, end: bool = False, limit: int = 100) -> tuple[int, bytes, bool]:
    """Return status, body and whether the connection is fit for another request."""
    line, wire = Line(), Wire()
    line.connection_made(wire)
    asked = asyncio.create_task(line.ask(b"", limit))
    await asyncio.sleep(0)
    for piece in pieces:
        line.data_received(piece)
    if end:
        line.connection_lost(None)
    async with asyncio.timeout(5):
        response = await asked
    assert line.reusable or wire.aborted or end
    return response.status, response.body, line.reusable


@pytest.mark.spec("RFC 9112 §6.3")
@pytest.mark.parametrize(
    ("sent", "end", "expected"),
    [
        (OK, False, (200, b"{}", True)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, False, (200, b"{}", True)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, (204, b"", True)),
        (OK.replace(b"1.1", b"1.0"), False, (200, b"{}", False)),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False, (200, b"{}", False)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            False,
            (200, b"{}", True),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True, (200, b"{}", False)),
    ],
)
async def test_an_answer_is_read_however_it_is_framed_and_cut(
    sent: bytes, end: bool, expected: tuple[int, bytes, bool]
) -> None:
    assert await answered(sent, end=end) == expected
    assert await answered(*(sent[n : n + 1] for n in range(len(sent))), end=end) == expected


@pytest.mark.attack("A24")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        OK[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    ],
)
async def test_half_an_answer_is_none(sent: bytes) -> None:
    with pytest.raises(Unreadable):
        await answered(sent, end=True)


async def test_more_than_is_read_ends_the_connection() -> None:
    with pytest.raises(TooLarge):
        await answered(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"a" * 101)


@pytest.mark.attack("A24")
async def test_an_answer_that_nobody_asked_for_is_never_the_next_ones() -> None:
    status, body, reusable = await answered(OK + OK.replace(b"{}", b"[]"))
    assert (status, body, reusable) == (200, b"{}", False)
    line, wire = Line(), Wire()
    line.connection_made(wire)
    line.data_received(OK)
    assert wire.aborted


@pytest.mark.attack("A24")
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_bytes_make_the_reader_fail(pieces: list[bytes]) -> None:
    async def read() -> None:
        with pytest.raises((Unreadable, TooLarge)):
            await answered(b"HTTP/1.1 2", *pieces, end=True)

    asyncio.run(read())


@pytest.mark.attack("A24")
@pytest.mark.parametrize("text", ["a\r\nx: y", "a\nb", "a\0", "\u00fc"])
def test_a_header_stays_in_its_line(text: str) -> None:
    with pytest.raises(Unreadable):
        request_bytes("GET", "/", {"authorization": text}, b"")


@dataclass
class Gateway:
    """A server that counts its connections."""

    port: int = 0
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(1)
                writer.write(OK)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for writer in made.connections:
            writer.close()
        await asyncio.wait(made.serving)


class Later(SystemClock):
    """A clock that can be put forward."""

    ahead = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead


async def test_a_gateways_connection_is_kept_while_it_is_busy() -> None:
    clock = Later()
    async with gateway() as server:
        fetcher = Fetcher(clock, Rules(loopback=True), keep=True)
        here = Outgoing(url=f"http://127.0.0.1:{server.port}/", body=b"x", content_type="a/b")
        for _ in range(3):
            assert (await fetcher.post(here)).status == 200
        assert len(server.connections) == 1
        clock.ahead = KEPT
        await fetcher.post(here)
        assert len(server.connections) == 2
        # One that the server closed meanwhile is not used either.
        server.connections[1].close()
        await server.connections[1].wait_closed()
        await asyncio.gather(fetcher.post(here), fetcher.post(here))
        assert len(server.connections) == 4
        await fetcher.close()


async def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.attack("A24")
async def test_a_connection_is_kept_for_one_name_only_and_by_default_for_none() -> None:
    async with gateway() as server:
        for keep, count in ((True, 2), (False, 4)):
            before = len(server.connections)
            fetcher = Fetcher(SystemClock(), Rules(loopback=True), here, keep=keep)
            for host in ("127.0.0.1", "localhost", "127.0.0.1", "localhost"):
                url = f"http://{host}:{server.port}/"
                await fetcher.post(Outgoing(url=url, body=b"x", content_type="a/b"))
            assert len(server.connections) - before == count
            await fetcher.close()
