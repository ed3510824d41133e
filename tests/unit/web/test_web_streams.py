"""Long bodies: read and written piece by piece, at a pace, and told apart from what broke off."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

import config.runtime.web.arriving as reading
import config.runtime.web.protocol as writing
from config.runtime.web import Answer, Call, Malformed, Route, Streamed, Web, json_answer
from config.runtime.web.answer import streamed_answer
from tests.unit.web.asking import Asked, ask, web
from tests.unit.web.test_web_protocol import CLOSING, HOST, exchange, serving, statuses

LIMIT = 3_000_000
PIECE = bytes(range(250)) * 4_000
POST = b"POST /long HTTP/1.1\r\n" + HOST


async def takes(call: Call) -> Answer:
    """Answer how long the body is, and its digest."""
    hashed, size = hashlib.sha256(), 0
    async for piece in call.pieces(LIMIT):
        hashed.update(piece)
        size += len(piece)
    return json_answer({"size": size, "digest": hashed.hexdigest()})


async def gives(call: Call) -> Answer:
    async def pieces() -> AsyncGenerator[bytes, None]:
        for _ in range(3):
            yield PIECE

    return streamed_answer(Streamed(3 * len(PIECE), pieces()), "application/pdf")


async def refuses(call: Call) -> Answer:
    return json_answer({"error": "invalid_token"}, 401)


def application(**endpoints: Any) -> Web:
    return web(
        [
            Route(
                path="/long",
                endpoints={"POST": takes, "GET": gives, **endpoints},
                budget="token",
                streamed=True,
            ),
            Route(path="/refuses", endpoints={"POST": refuses}, budget="token", streamed=True),
        ]
    )


def told(octets: bytes) -> bytes:
    return f'{{"size":{len(octets)},"digest":"{hashlib.sha256(octets).hexdigest()}"}}'.encode()


async def test_a_long_body_comes_with_and_without_its_length() -> None:
    sized = POST + CLOSING + b"Content-Length: %d\r\n\r\n" % len(PIECE)
    chunked = POST + CLOSING + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % len(PIECE) + PIECE + b"\r\n"
    async with serving(application()) as port:
        for request, body in (
            ([sized, PIECE], PIECE),
            ([chunked, chunk, chunk, b"0\r\n\r\n"], PIECE + PIECE),
        ):
            received = await exchange(port, *request, ends=False)
            assert statuses(received) == [200]
            assert received.endswith(told(body))


async def test_after_a_long_body_the_connection_goes_on() -> None:
    head = POST + b"Content-Length: %d\r\n\r\n" % len(PIECE)
    last = b"GET /none HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
    async with serving(application()) as port:
        assert statuses(await exchange(port, head, PIECE, last, ends=False)) == [200, 404]


@pytest.mark.attack("A47")
async def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    asked = Asked("POST", "/long", [("content-length", str(LIMIT + 1))], [b"", b""])
    with pytest.raises(Malformed) as refusal:
        [piece async for piece in asked.call().pieces(LIMIT)]
    assert refusal.value.status == 413
    assert (await ask(application(), asked)).status == 413


@pytest.mark.attack("A47")
@pytest.mark.parametrize("framing", [b"Content-Length: 400000000", b"Transfer-Encoding: chunked"])
async def test_who_still_sends_reads_that_it_is_too_much(framing: bytes) -> None:
    """The answer is not lost by the connection's end, though the client never stopped sending."""
    async with serving(application()) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + framing + b"\r\n\r\n")
        chunk = b"%x\r\n" % len(PIECE) + PIECE + b"\r\n"
        received = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        while not received.done():
            writer.write(chunk)
            with suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0)
        writer.close()
    assert statuses(received.result()) == [413]
    assert b"connection: close" in received.result()


async def test_a_refusal_without_reading_ends_the_connection() -> None:
    head = b"POST /refuses HTTP/1.1\r\n" + HOST + b"Content-Length: 400000000\r\n\r\n"
    async with serving(application()) as port:
        received = await exchange(port, head, PIECE, ends=False)
    assert statuses(received) == [401]
    assert b"connection: close" in received


@pytest.mark.attack("A26")
async def test_a_long_body_keeps_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a pause nor drops that never end hold a place."""
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.2)
    head = POST + b"Content-Length: 400000\r\n\r\n"
    async with serving(application()) as port:
        assert statuses(await exchange(port, head + b"a", ends=False)) == [408]
        assert statuses(await exchange(port, head + bytes(300_000), ends=False)) == [408]
        monkeypatch.setattr(reading, "SLOWEST", 10**9)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        async with asyncio.timeout(60):
            answered = asyncio.create_task(reader.read())
            while not answered.done():
                writer.write(b"a")
                await asyncio.wait([answered], timeout=0.02)
        assert statuses(answered.result()) == [408]
        writer.close()


async def test_what_we_do_between_two_pieces_is_not_the_clients_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)

    async def works(call: Call) -> Answer:
        async for _ in call.pieces(LIMIT):
            await asyncio.sleep(0.06)
        return json_answer({})

    asked = Asked("POST", "/long", (), [b"a", b"b", b"c"])
    assert (await ask(application(POST=works), asked)).status == 200


async def test_a_client_that_left_halfway_is_nobodys_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = asyncio.Event()

    async def notices(call: Call) -> Answer:
        try:
            return await takes(call)
        finally:
            ended.set()

    async with serving(application(POST=notices)) as port, asyncio.timeout(60):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST + b"Content-Length: 400000\r\n\r\n" + bytes(1000))
        writer.close()
        await ended.wait()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("protocol", [writing.BoundedProtocol, "httptools"])
async def test_a_long_answer_arrives_whole(protocol: Any) -> None:
    get = b"GET /long HTTP/1.1\r\n" + HOST
    head = get.replace(b"GET", b"HEAD")
    async with serving(application(), protocol) as port:
        received = await exchange(port, head + b"\r\n" + get + CLOSING + b"\r\n", ends=False)
    first, _, rest = received.partition(b"\r\n\r\n")
    second, _, body = rest.partition(b"\r\n\r\n")
    for one in (first, second):
        assert one.startswith(b"HTTP/1.1 200 ")
        assert b"\r\ncontent-length: 3000000" in one
        assert b"\r\ncontent-type: application/pdf" in one
    assert body == 3 * PIECE


async def test_who_takes_slowly_is_not_left_while_it_takes() -> None:
    """What counts is that something is taken, not that a whole piece is."""
    written: list[bytes] = []
    waits: list[int] = []

    class Flow:
        async def drain(self) -> None:
            waits.append(len(written))

    class Wire:
        def write(self, octets: bytes) -> None:
            written.append(octets)

        def is_closing(self) -> bool:
            return False

    protocol: Any = writing.BoundedProtocol.__new__(writing.BoundedProtocol)
    protocol.transport, protocol.flow = Wire(), Flow()
    cycle: Any = type("Cycle", (), {"disconnected": False})()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield PIECE

    await protocol._write_pieces(cycle, Streamed(len(PIECE), pieces()))
    assert b"".join(written) == PIECE
    assert max(map(len, written)) == writing.WRITTEN
    assert waits == list(range(1, len(written) + 1)), "after each of them it may pause again"


async def test_an_answer_that_breaks_off_is_seen_to(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(call: Call) -> Answer:
        async def pieces() -> AsyncGenerator[bytes, None]:
            yield PIECE
            raise OSError("the disk is gone")

        return streamed_answer(Streamed(2 * len(PIECE), pieces()), "application/pdf")

    async with serving(application(GET=breaks)) as port:
        received = await exchange(port, b"GET /long HTTP/1.1\r\n" + HOST + b"\r\n", ends=False)
    assert received.partition(b"\r\n\r\n")[2] == PIECE, "less than was said: no client takes it"
    assert any("OSError" in record.message for record in caplog.records)


@pytest.mark.attack("A47")
async def test_who_takes_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TAKEN_SECONDS", 0.05)
    ended = asyncio.Event()

    async def endless(call: Call) -> Answer:
        async def pieces() -> AsyncGenerator[bytes, None]:
            try:
                while True:
                    yield PIECE
            finally:
                ended.set()

        return streamed_answer(Streamed(10**12, pieces()), "application/pdf")

    async with serving(application(GET=endless)) as port, asyncio.timeout(60):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /long HTTP/1.1\r\n" + HOST + b"\r\n")
        await ended.wait()
        writer.close()
