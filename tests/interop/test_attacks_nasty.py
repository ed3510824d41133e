"""Malformed input of every kind at every address: no fault, no trace, no silence (attack A26)."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from tests.interop import evil
from tests.interop.outsider import Outsider

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
    pytest.mark.attack("A26"),
]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PATHS = (
    "/",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/jwks",
    "/authorize",
    "/authorize/x",
    "/login/x",
    "/login/x/identify",
    "/login/x/factor",
    "/login/x/prove",
    "/login/x/account",
    "/login/x/consent",
    "/login/x/cancel",
    "/token",
    "/userinfo",
    "/introspect",
    "/revoke",
    "/logout",
    "/logout/confirm",
    "/me",
    "/me/consents",
    "/me/sessions",
    "/me/history",
    "/me/factors",
    "/me/pin",
    "/me/totp",
    "/assets/x",
    "/nowhere",
)
TRACE_OF_A_FAULT = re.compile(r"Traceback|File \"|sqlalchemy|sqlite3|asyncpg|\.py\b|site-packages")
INTENDED = frozenset((200, 204, 303, 304, 400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415))
INTENDED |= {421, 422, 431}
SLOW = 20.0


@pytest.fixture
async def many(outside: Outsider) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=8)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as http:
        yield http


async def judged(http: httpx2.AsyncClient, method: str, url: str, **sent: object) -> None:
    """Ask, and expect an answer that somebody intended, soon."""
    begun = time.monotonic()
    try:
        answer = await http.request(method, url, follow_redirects=False, **sent)  # type: ignore[arg-type]
    except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
        return  # the connection was closed on what is no HTTP
    what = (method, url[:200], str(sent)[:200], answer.status_code)
    assert answer.status_code in INTENDED, what
    assert not TRACE_OF_A_FAULT.search(answer.text), what
    assert time.monotonic() - begun < SLOW, what


async def all_of(jobs: list[tuple[str, str, dict[str, object]]], http: httpx2.AsyncClient) -> None:
    """Ask eight at a time: the server has work for every connection, and none waits for long."""
    queue = iter(jobs)

    async def ask() -> None:
        for method, url, sent in queue:
            await judged(http, method, url, **sent)

    await asyncio.gather(*(ask() for _ in range(8)))


async def test_every_method_at_every_address(outside: Outsider, many: httpx2.AsyncClient) -> None:
    jobs: list[tuple[str, str, dict[str, object]]] = [
        (method, outside.issuer + path, {}) for path in PATHS for method in METHODS
    ]
    await all_of(jobs, many)


async def test_every_body_at_every_address(outside: Outsider, many: httpx2.AsyncClient) -> None:
    jobs: list[tuple[str, str, dict[str, object]]] = [
        ("POST", outside.issuer + path, {"content": body, "headers": {"content-type": kind}})
        for path in PATHS
        for kind, body in evil.BODIES
    ]
    await all_of(jobs, many)


async def test_every_header_at_every_address(outside: Outsider, many: httpx2.AsyncClient) -> None:
    jobs: list[tuple[str, str, dict[str, object]]] = [
        (method, outside.issuer + path, {"headers": {name: value.encode("latin-1")}})
        for path in PATHS
        for method in ("GET", "POST")
        for name, value in evil.HEADERS
    ]
    await all_of(jobs, many)


FIELDS = {
    "/authorize": (
        *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
        *("max_age", "claims", "claims_locales", "ui_locales", "login_hint", "id_token_hint"),
        *("acr_values", "display", "response_mode", "code_challenge", "code_challenge_method"),
        "lang",
    ),
    "/token": (
        *("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"),
        *("refresh_token", "scope", "client_assertion", "client_assertion_type"),
    ),
    "/introspect": ("token", "token_type_hint", "client_id", "client_secret"),
    "/revoke": ("token", "token_type_hint", "client_id", "client_secret"),
    "/logout": ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"),
    "/userinfo": ("access_token",),
    "/me": ("lang",),
}


@pytest.mark.attack("A28")
async def test_every_text_in_every_field(outside: Outsider, many: httpx2.AsyncClient) -> None:
    """Each field alone, the others as they should be, where there is a right way to ask."""
    client = outside.client()
    right = {
        "/authorize": {
            "client_id": client["client_id"],
            "redirect_uri": client["redirect_uris"][0],
            "response_type": "code",
            "scope": "openid",
            "prompt": "none",
        },
        "/token": {
            "grant_type": "authorization_code",
            "code": "x",
            "redirect_uri": client["redirect_uris"][0],
        },
    }
    _, proof = outside.credentials(client)
    jobs: list[tuple[str, str, dict[str, object]]] = []
    for path, names in FIELDS.items():
        for name in names:
            for text in evil.TEXTS:
                fields = right.get(path, {}) | {name: text}
                own = {} if name.startswith("client_") else proof
                form: dict[str, object] = {
                    "data": fields,
                    "headers": own if path in ("/token", "/introspect", "/revoke") else {},
                }
                jobs.append(("POST", outside.issuer + path, form))
                if len(text) < 5000 and path in ("/authorize", "/logout", "/me"):
                    jobs.append(("GET", f"{outside.issuer}{path}?{urlencode(fields)}", {}))
    await all_of(jobs, many)


HOST = b"Host: {host}\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
NEXT = b"GET /jwks HTTP/1.1\r\n" + HOST + b"\r\n"
REFUSED = {
    "length and chunks": b"POST /token HTTP/1.1\r\n"
    + (HOST + FORM + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT),
    "two lengths": b"POST /token HTTP/1.1\r\n"
    + (HOST + FORM + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\na=bc"),
    "signed length": b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: +3\r\n\r\na=b",
    "negative length": b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: -3\r\n\r\na=b",
    "long length": b"POST /token HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 9"
    + b"9" * 40
    + b"\r\n\r\n",
    "chunked last": b"POST /token HTTP/1.1\r\n"
    + (HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "other coding": b"POST /token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "blank before colon": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X-A : b\r\n\r\n",
    "folded": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c\r\n\r\n",
    "bare line feed": b"GET /jwks HTTP/1.1\nHost: x\n\n",
    "bare return": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
    "nul": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "two hosts": b"GET /jwks HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "no host": b"GET /jwks HTTP/1.1\r\n\r\n",
    "other host": b"GET /jwks HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "user in host": b"GET /jwks HTTP/1.1\r\nHost: evil@127.0.0.1\r\n\r\n",
    "tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\0" * 100,
    "not ASCII": b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    "wrong chunk": b"POST /token HTTP/1.1\r\n"
    + (HOST + FORM + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\na=b\r\n0\r\n\r\n"),
    "chunk that overflows": b"POST /token HTTP/1.1\r\n"
    + (HOST + FORM + b"Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\na=b\r\n0\r\n\r\n"),
    "many fields": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 5000 + b"\r\n",
    "long field": b"GET /jwks HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    "long target": b"GET /" + b"y" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
}


async def raw(outside: Outsider, request: bytes) -> bytes:
    """Send bytes; return what came back until the server closed, or fell silent."""
    parts = urlsplit(outside.issuer)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    received = b""
    try:
        writer.write(request.replace(b"{host}", parts.netloc.encode()))
        async with asyncio.timeout(0.7):
            while part := await reader.read(65_536):
                received += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received


@pytest.mark.attack("A29")
async def test_what_is_no_plain_http_is_refused_and_smuggles_nothing(outside: Outsider) -> None:
    answers = await asyncio.gather(*(raw(outside, request) for request in REFUSED.values()))
    for name, received in zip(REFUSED, answers, strict=True):
        assert received.count(b"HTTP/1.1 ") <= 1, name
        assert not received or received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), name
        assert b'"keys"' not in received, name


async def test_a_body_that_never_comes_holds_nobody_else_up(outside: Outsider) -> None:
    parts = urlsplit(outside.issuer)
    slow = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(100)]
    head = f"POST /token HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 50\r\n".encode()
    for _, writer in slow:
        writer.write(head + FORM + b"\r\na=")
    begun = time.monotonic()
    for _ in range(10):
        answer = await outside.http.get(outside.metadata["jwks_uri"])
        assert answer.status_code == 200
        refused = await outside.post("introspection", outside.client(), token="x")
        assert refused.status_code == 200
    assert time.monotonic() - begun < SLOW
    for _, writer in slow:
        writer.close()


async def test_companions_and_operations_fail_as_well_as_they_should(
    outside: Outsider, many: httpx2.AsyncClient
) -> None:
    ready = outside.demo.ready
    paths = ("/", "/messages", "/livez", "/readyz", "/metrics", "/nowhere")
    jobs: list[tuple[str, str, dict[str, object]]] = [
        ("POST", ready[name] + path, {"content": body, "headers": {"content-type": kind}})
        for name in ("inbox", "operations")
        for path in paths
        for kind, body in evil.BODIES
    ]
    await all_of(jobs, many)
