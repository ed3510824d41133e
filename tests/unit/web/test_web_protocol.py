"""The server over a real socket: whatever bytes come, heads and bodies are bounded."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute

from config.runtime.web import Answer, Call, Route, Web, json_answer
from config.runtime.web import arriving as reading
from config.runtime.web import protocol as bounded
from config.runtime.web.protocol import BoundedProtocol
from tests.unit.web.asking import hello, web

pytestmark = pytest.mark.long

HOST = b"Host: id.example\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


async def reads(call: Call) -> Answer:
    return json_answer([call.query(), await call.form(), call.cookies()])


async def ignores(call: Call) -> Answer:
    return json_answer({"read": False})


def application() -> Web:
    return web(
        [
            Route(path="/hello", endpoints={"GET": hello}, budget="token", cors=True),
            Route(path="/form", endpoints={"POST": reads, "GET": reads}, budget="token"),
            Route(path="/ignores", endpoints={"POST": ignores}, budget="token"),
            Route(path="/login/{login_id}", endpoints={"GET": hello}, budget="login", page=True),
        ]
    )


@asynccontextmanager
async def serving(app: Any, protocol: Any = BoundedProtocol) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.001)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(application()) as port:
        yield port


async def exchange(port: int, *pieces: bytes, ends: bool = True) -> bytes:
    """Send ``pieces`` one by one and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if ends:
                writer.write_eof()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


CLOSING = b"Connection: close\r\n"


@pytest.mark.parametrize("protocol", [BoundedProtocol, "httptools"])
async def test_a_request_is_answered_alike_by_both_ways(protocol: Any) -> None:
    async with (
        serving(application(), protocol) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        host = {"host": "id.example"}
        got = await client.get("/hello", headers=host)
        assert (got.status_code, got.json()) == (200, {"hello": True})
        assert got.headers["content-type"] == "application/json"
        assert got.headers["access-control-allow-origin"] == "*"
        assert got.headers["date"]
        assert "server" not in got.headers
        posted = await client.post("/form?q=1", headers=host, data={"a": "ü"})
        assert posted.json() == [[["q", "1"]], [["a", "ü"]], {}]
        head = await client.head("/hello", headers=host)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "14")
        options = await client.options("/hello", headers=host)
        assert (options.status_code, options.content) == (204, b"")
        page = await client.get("/login/x", headers={**host, "accept": "text/html"})
        assert page.status_code == 200
        lost = await client.get("/none", headers={**host, "accept": "text/html"})
        assert lost.status_code == 404 and "<h1>" in lost.text


async def test_requests_in_one_segment_are_answered_in_order(port: int) -> None:
    one = b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n"
    two = b"POST /form HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 3\r\n\r\na=1"
    last = b"GET /none HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
    received = await exchange(port, one + two + two + last, ends=False)
    assert statuses(received) == [200, 200, 200, 404]
    assert received.count(b'[[],[["a","1"]],{}]') == 2


async def test_a_request_may_come_byte_by_byte(port: int) -> None:
    request = b"POST /form HTTP/1.1\r\n" + HOST + FORM + CLOSING + b"Content-Length: 3\r\n\r\na=1"
    received = await exchange(port, *(bytes((octet,)) for octet in request), ends=False)
    assert statuses(received) == [200]
    assert received.endswith(b'[[],[["a","1"]],{}]')


async def test_an_old_client_is_answered_and_left(port: int) -> None:
    received = await exchange(port, b"GET /hello HTTP/1.0\r\n" + HOST + b"\r\n", ends=False)
    assert statuses(received) == [200] and b"connection: close" in received


async def test_a_client_that_waits_for_leave_gets_it(port: int) -> None:
    head = b"POST /form HTTP/1.1\r\n" + HOST + FORM + CLOSING
    head += b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    async with asyncio.timeout(60):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"a=1")
        assert statuses(await reader.read()) == [200]
    writer.close()


@pytest.mark.attack("A26")
@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        # a length and chunks at once, in every order and spelling: smuggling
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na=1", [400]),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", [400]),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n\r\na=1x", [400]),
        (b"Content-Length: +3\r\n\r\na=1", [400]),
        (b"Content-Length: 3x\r\n\r\na=1", [400]),
        (b"Content-Length: -3\r\n\r\na=1", [400]),
        (b"Content-Length: 99999999999999999999999\r\n\r\na=1", [400]),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", [400]),
        (b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", [400]),
        (b"Content-Length: 3\r\n X: folded\r\n\r\na=1", [400]),
        (b"No-Colon\r\n\r\n", [400]),
        (b"Bad\x00Name: x\r\n\r\n", [400]),
        (b"Name: bad\x00value\r\n\r\n", [400]),
        # well formed, but not for us
        (FORM + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", [415]),
        (FORM + b"Content-Length: 70000\r\n\r\na=1", [413]),
        (b"Content-Length: 3\r\n\r\na=1", [415]),
        (FORM + b"Host: id.example\r\nContent-Length: 3\r\n\r\na=1", [400]),
    ],
)
async def test_no_two_readers_could_see_two_requests(
    port: int, request_bytes: bytes, expected: list[int]
) -> None:
    received = await exchange(port, b"POST /form HTTP/1.1\r\n" + HOST + request_bytes)
    assert statuses(received) == expected


@pytest.mark.attack("A26")
async def test_chunks_over_the_limit_are_cut_off(port: int) -> None:
    head = b"POST /form HTTP/1.1\r\n" + HOST + FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    received = await exchange(port, head, *[chunk] * 6, ends=False)
    assert statuses(received) in ([413], [])  # the reset may overtake the answer
    small = head + b"3\r\na=1\r\n0\r\n\r\n" + b"GET /hello HTTP/1.0\r\n" + HOST + b"\r\n"
    assert statuses(await exchange(port, small, ends=False)) == [200, 200]


@pytest.mark.attack("A26")
@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /" + b"a" * 30_000] * 5,
        [b"GET / HTTP/1.1\r\nX: ", *[b"a" * 30_000] * 5],
        [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n" * 5000] * 5],
        [b"GET /hello HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 100 + b"\r\n"],
    ],
    ids=["url", "header", "headers", "many headers"],
)
async def test_a_head_without_end_is_cut_off(port: int, pieces: list[bytes]) -> None:
    received = await exchange(port, *pieces, ends=False)
    assert statuses(received) in ([400], [])


@pytest.mark.attack("A26")
@pytest.mark.parametrize("pieces", [[], [b"GET /hel"], [b"GET /hello HTTP/1.1\r\nHo"]])
async def test_who_does_not_speak_is_left(
    pieces: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 0.05)
    async with serving(application()) as port:
        assert await exchange(port, *pieces, ends=False) == b""
        # and after a first request just the same
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n")
        async with asyncio.timeout(60):
            await reader.readuntil(b'{"hello":true}')
            writer.write(b"GET /")
            assert await reader.read() == b""
        writer.close()


@pytest.mark.attack("A26")
async def test_a_body_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)
    head = b"POST /form HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 9\r\n\r\n"
    async with serving(application()) as port:
        for pieces in ([head], [head + b"a"]):
            received = await exchange(port, *pieces, ends=False)
            assert statuses(received) == [408]
            assert b"connection: close" in received


async def test_a_body_that_nobody_reads_is_not_the_next_request(port: int) -> None:
    inner = b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n"
    head = b"POST /ignores HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(inner)
    last = b"GET /none HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
    assert statuses(await exchange(port, head, inner, last, ends=False)) == [200, 404]


@pytest.mark.attack("A29")
@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"http://evil.example/hello", b"id.example", 200),  # the path alone is looked at
        (b"http://id.example/hello", b"evil.example", 421),
        (b"//evil.example/hello", b"id.example", 404),
        (b"/hello?x=http://evil.example", b"id.example", 200),
        (b"/hello#x", b"id.example", 200),
        (b"/hello/../hello", b"id.example", 404),
        (b"/%68ello", b"id.example", 200),
        (b"/hello%00", b"id.example", 404),
        (b"/hello%ff", b"id.example", 404),
        (b"/hell\xc3\xb6", b"id.example", 400),
        (b"*", b"id.example", 404),
        (b"hello", b"id.example", 400),
        (b"/login/..%2f..%2fhello", b"id.example", 404),
    ],
)
async def test_the_target_decides_nothing_but_the_path(
    port: int, target: bytes, host: bytes, status: int
) -> None:
    request = b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + CLOSING + b"\r\n"
    assert statuses(await exchange(port, request, ends=False)) == [status]


@pytest.mark.attack("A26")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.sampled_from(
            [b"GET ", b"POST ", b"/form", b"/hello", b" HTTP/1.1\r\n", HOST, FORM, CLOSING, b"\r\n",
             b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"5\r\n", b"a=%zz",
             b"Cookie: ;=;\r\n", b"Accept-Encoding: gzip;q\r\n", b"Accept: text/html\r\n",
             b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Expect: 100-continue\r\n"]
        )
        | st.binary(max_size=20),
        max_size=12,
    )
)  # fmt: skip
async def test_no_bytes_make_a_500(port: int, pieces: list[bytes]) -> None:
    received = await exchange(port, b"".join(pieces))
    assert not [status for status in statuses(received) if status >= 500]


async def test_the_server_is_alive_after_all_that(port: int) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 1000):
        await exchange(port, garbage)
    request = b"GET /hello HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
    assert statuses(await exchange(port, request, ends=False)) == [200]


async def test_what_is_not_ours_is_starlettes() -> None:
    async def other(request: Any) -> PlainTextResponse:
        return PlainTextResponse("starlette")

    app = application()
    app.fallback = Starlette(routes=[StarletteRoute("/other", other)])
    async with serving(app) as port:
        request = b"GET /other HTTP/1.1\r\n" + HOST + b"\r\n"
        ours = b"GET /hello HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
        received = await exchange(port, request + ours, ends=False)
        assert statuses(received) == [200, 200]
        assert b"starlette" in received


async def test_another_application_goes_uvicorns_way() -> None:
    async with serving(Starlette(routes=[])) as port:
        request = b"GET /other HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
        assert statuses(await exchange(port, request, ends=False)) == [404]


async def test_a_client_that_left_is_nobodys_error(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waits(call: Call) -> Answer:
        begun.set()
        await go_on.wait()
        return await reads(call)

    app = web([Route(path="/form", endpoints={"POST": waits}, budget="token")])
    async with serving(app) as port, asyncio.timeout(60):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST /form HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 9\r\n\r\n"
        writer.write(head + b"a=b&c=d&e")
        await begun.wait()
        writer.close()
        await writer.wait_closed()
        go_on.set()
        _, halfway = await asyncio.open_connection("127.0.0.1", port)
        halfway.write(head + b"a=")
        halfway.close()
        await halfway.wait_closed()
        request = b"GET /none HTTP/1.1\r\n" + HOST + CLOSING + b"\r\n"
        assert statuses(await exchange(port, request, ends=False)) == [404]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.attack("A47")
async def test_who_sends_slowly_takes_no_place_from_others() -> None:
    """A place in the budget is for work, not for waiting until a stranger goes on."""
    app = web([Route(path="/form", endpoints={"POST": reads}, budget="token")])
    head = b"POST /form HTTP/1.1\r\n" + HOST + FORM
    async with serving(app) as port, asyncio.timeout(60):
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(120)]
        for _, writer in slow:
            writer.write(head + b"Content-Length: 9\r\n\r\na=")
        request = head + CLOSING + b"Content-Length: 3\r\n\r\na=b"
        assert statuses(await exchange(port, request, ends=False)) == [200]
        for _, writer in slow:
            writer.close()
