"""Routes, hosts, methods, CORS, forms of other sites, and the error boundary."""

import gzip
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.logs import REQUEST_ID
from config.runtime.web import (
    Answer,
    Budget,
    Call,
    Malformed,
    Route,
    empty,
    form_target,
    json_answer,
    page_answer,
    redirect,
)
from tests.unit.web.asking import Asked, ask, form, hello, web

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}
MACHINE = {**ALWAYS, "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
NEVER_STORED = {"cache-control": "no-store", "pragma": "no-cache"}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'"
)
PAGE = {
    **ALWAYS,
    **NEVER_STORED,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY.format(""),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    "vary": "Accept-Encoding, Accept-Language, Cookie",
}


def answering(answer: Answer) -> Any:
    async def endpoint(call: Call) -> Answer:
        return answer

    return endpoint


def route(path: str, endpoint: Any = hello, method: str = "GET", **more: Any) -> Route:
    return Route(path=path, endpoints={method: endpoint}, budget="token", **more)


@pytest.mark.attack("A11")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            json_answer({"a": 1}),
            {**MACHINE, **NEVER_STORED, "content-type": "application/json", "content-length": "7"},
        ),
        (
            json_answer(b"{}", no_store=False),
            {**MACHINE, "content-type": "application/json", "content-length": "2"},
        ),
        (page_answer("<p>"), {**PAGE, "content-length": "3"}),
        (
            page_answer("<p>", form_targets=["https://rp.example:8443", "com.example.app:"]),
            {
                **PAGE,
                "content-length": "3",
                "content-security-policy": POLICY.format(
                    " https://rp.example:8443 com.example.app:"
                ),
            },
        ),
        (
            redirect("https://rp.example/cb?code=x"),
            {
                **MACHINE,
                **NEVER_STORED,
                "location": "https://rp.example/cb?code=x",
                "content-length": "0",
            },
        ),
        (empty(), {**MACHINE, **NEVER_STORED}),
    ],
    ids=["json", "public json", "page", "page with targets", "redirect", "empty"],
)
async def test_the_headers_of_every_kind_of_answer(
    answer: Answer, expected: dict[str, str]
) -> None:
    reply = await ask(web([route("/x", answering(answer))]), Asked(path="/x"))
    headers = dict(reply.headers)
    assert len(headers.pop("x-request-id")) == 16
    assert headers == expected
    assert len(headers) == len(reply.headers) - 1


async def test_plain_http_has_no_hsts() -> None:
    app = web([route("/x")], origins=["http://127.0.0.1:8080"])
    reply = await ask(app, Asked(path="/x", host="127.0.0.1:8080"))
    assert reply.status == 200
    assert reply.header("strict-transport-security") is None


@pytest.mark.attack("A29")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("id.example", 200),
        ("ID.Example", 200),
        ("id.example:443", 200),
        ("id.example:80", 421),
        ("id.example:8443", 421),
        ("id.example.", 421),
        ("id.example:", 421),
        ("id.example:443:443", 421),
        ("evil.example", 421),
        ("id.example.evil.example", 421),
        ("id.example@evil.example", 421),
        ("evil.example@id.example", 421),
        ("id.example/evil", 421),
        ("id.example, evil.example", 421),
        ("id.example evil.example", 421),
        (" id.example", 421),
        ("127.0.0.1", 421),
        ("localhost", 421),
        ("[::1]", 421),
        ("\xff", 421),
        ("", 421),
        (None, 400),
    ],
)
async def test_only_hosts_of_ours_are_answered(host: str | None, status: int) -> None:
    origins = []

    async def endpoint(call: Call) -> Answer:
        origins.append(call.origin)
        return empty()

    lies = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")]
    lies += [("x-forwarded-proto", "http"), ("x-original-url", "/other"), ("x-rewrite-url", "/o")]
    app = web([route("/x", endpoint)])
    reply = await ask(app, Asked(path="/x", host=host, headers=lies))
    assert reply.status == (204 if status == 200 else status)
    assert origins == (["https://id.example"] if status == 200 else [])


@pytest.mark.attack("A29")
async def test_two_hosts_are_none() -> None:
    asked = Asked(path="/x", headers=[("host", "id.example")])
    assert (await ask(web([route("/x")]), asked)).status == 400


async def test_each_origin_has_its_own_routes() -> None:
    app = web(
        [
            route("/token", answering(empty(204)), origins=["https://a.example"]),
            route("/token", answering(empty(205)), origins=["https://b.example:8443"]),
            route("/both"),
        ],
        origins=["https://a.example", "https://b.example:8443"],
    )
    assert (await ask(app, Asked(path="/token", host="a.example"))).status == 204
    assert (await ask(app, Asked(path="/token", host="b.example:8443"))).status == 205
    assert (await ask(app, Asked(path="/token", host="b.example"))).status == 421
    assert (await ask(app, Asked(path="/both", host="b.example:8443"))).status == 200


@pytest.mark.parametrize(
    ("path", "captured"),
    [
        ("/login/abc-_~.9/consent", {"login_id": "abc-_~.9"}),
        ("/login/abc/factors/otp", {"login_id": "abc", "factor": "otp"}),
        ("/login/abc", None),
        ("/login//consent", None),
        ("/login/a/b/consent", None),
        ("/login/a%2fb/consent", None),
        ("/login/a b/consent", None),
        ("/login/\u0665/consent", None),
        ("/login/abc/consent/", None),
        ("/login/abc/consent\n", None),
        ("/LOGIN/abc/consent", None),
        ("/login/" + "a" * 201 + "/consent", None),
        ("//login/abc/consent", None),
        ("login/abc/consent", None),
        ("", None),
        ("*", None),
    ],
)
async def test_templates_capture_one_plain_segment(
    path: str, captured: dict[str, str] | None
) -> None:
    seen: list[dict[str, str]] = []

    async def endpoint(call: Call) -> Answer:
        seen.append(call.captured)
        return empty()

    app = web(
        [
            route("/login/{login_id}/consent", endpoint),
            route("/login/{login_id}/factors/{factor}", endpoint),
        ]
    )
    reply = await ask(app, Asked(path=path))
    assert (reply.status, seen) == ((204, [captured]) if captured else (404, []))


async def test_a_head_is_a_get_without_its_body() -> None:
    reply = await ask(web([route("/x")]), Asked("HEAD", "/x"))
    assert (reply.status, reply.body, reply.header("content-length")) == (200, b"", "14")


async def test_another_method_learns_which_are_allowed() -> None:
    app = web([Route(path="/x", endpoints={"GET": hello, "POST": hello}, budget="token")])
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "get", "\u00e9"):
        reply = await ask(app, Asked(method, "/x"))
        assert (reply.status, reply.header("allow")) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("cors", [True, False])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_scripts_of_other_sites_read_only_where_declared(cors: bool, method: str) -> None:
    asked = Asked(method, "/x", [("origin", "https://spa.example")])
    reply = await ask(web([route("/x", cors=cors)]), asked)
    assert reply.header("access-control-allow-origin") == ("*" if cors else None)
    assert reply.header("access-control-allow-credentials") is None
    preflight = cors and method == "OPTIONS"
    assert reply.status == (204 if preflight else 200 if method == "GET" else 405)
    assert reply.header("access-control-allow-headers") == (
        "Authorization, Content-Type, DPoP" if preflight else None
    )


async def test_an_error_can_be_read_by_scripts_too() -> None:
    async def endpoint(call: Call) -> Answer:
        raise Malformed("x")

    reply = await ask(web([route("/x", endpoint, cors=True)]), Asked(path="/x"))
    assert reply.header("access-control-allow-origin") == "*"


@pytest.mark.attack("A12")
@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ([], True),
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "none")], True),
        ([("sec-fetch-site", "same-origin"), ("origin", "null")], True),
        ([("origin", "https://id.example")], True),
        ([("origin", "null")], True),
        ([("sec-fetch-site", "cross-site")], False),
        ([("sec-fetch-site", "same-site")], False),
        ([("sec-fetch-site", "cross-site"), ("origin", "https://id.example")], False),
        ([("sec-fetch-site", "")], False),
        ([("origin", "https://evil.example")], False),
        ([("origin", "http://id.example")], False),
        ([("origin", "https://id.example.evil.example")], False),
        ([("origin", "")], False),
    ],
)
async def test_forms_of_other_sites_are_refused_on_pages(
    headers: list[tuple[str, str]], allowed: bool
) -> None:
    page = route("/x", method="POST", page=True)
    assert (await ask(web([page]), form("/x", b"", headers))).status == (200 if allowed else 403)
    open_page = route("/x", method="POST", page=True, cross_site=True)
    assert (await ask(web([open_page]), form("/x", b"", headers))).status == 200


class Taken(Exception):
    """A known refusal."""


class MoreTaken(Taken):
    """A kind of it."""


async def test_known_refusals_are_answered_by_their_table() -> None:
    async def endpoint(call: Call) -> Answer:
        raise MoreTaken

    refusals = {Taken: lambda fault, call: json_answer({"error": "taken"}, 409)}
    reply = await ask(web([route("/x", endpoint)], refusals=refusals), Asked(path="/x"))
    assert (reply.status, reply.body) == (409, b'{"error":"taken"}')


@pytest.mark.parametrize("page", [True, False])
async def test_the_unexpected_tells_nobody_but_the_log(
    page: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def endpoint(call: Call) -> Answer:
        raise RuntimeError("canary")

    seen = []
    logging.getLogger("symbolon.web").addFilter(
        lambda record: seen.append(REQUEST_ID.get()) or True
    )
    reply = await ask(web([route("/x", endpoint, page=page)]), Asked(path="/x"))
    request_id = reply.header("x-request-id")
    assert reply.status == 500
    assert request_id and request_id.encode() in reply.body
    assert b"canary" not in reply.body and b"RuntimeError" not in reply.body
    assert ("<h1>" in reply.body.decode()) is page
    if not page:
        assert json.loads(reply.body)["error"] == "server_error"
    assert seen == [request_id]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


async def test_a_renderer_that_fails_is_the_unexpected_too() -> None:
    async def endpoint(call: Call) -> Answer:
        raise Taken

    def broken(fault: Exception, call: Call) -> Answer:
        raise ValueError

    app = web([route("/x", endpoint, page=True)], refusals={Taken: broken}, failure_page=broken)
    reply = await ask(app, Asked(path="/x"))
    assert (reply.status, json.loads(reply.body)["error"]) == (500, "server_error")


@pytest.mark.parametrize(("accept", "page"), [("text/html,*/*", True), ("*/*", False)])
async def test_nothing_is_found_in_the_language_of_who_asks(accept: str, page: bool) -> None:
    reply = await ask(web([]), Asked(path="/none", headers=[("accept", accept)]))
    assert reply.status == 404
    assert (b"<h1>" in reply.body) is page


async def test_what_no_route_knows_goes_to_the_fallback() -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = web([route("/x")])
    app.fallback = fallback
    assert (await ask(app, Asked(path="/other"))).status == 299
    assert (await ask(app, Asked(path="/other", host="evil.example"))).status == 421


def test_two_routes_for_one_path_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="/x"):
        web([route("/x"), route("/x")])
    with pytest.raises(ValueError, match="first segment"):
        web([route("/{login_id}")])
    with pytest.raises(KeyError):
        web([Route(path="/x", endpoints={}, budget="unknown")])
    for origin in ("id.example", "https://id.example/", "ftp://id.example", "https://"):
        with pytest.raises(ValueError, match="origin"):
            web([], origins=[origin])


@pytest.mark.attack("A12")
async def test_cookies_are_out_of_reach() -> None:
    answer = empty()
    answer.set_cookie("browser", "v", secure=True, max_age=60)
    answer.set_cookie("browser", "v", secure=False)
    answer.drop_cookie("browser", secure=True)
    assert [value.decode() for name, value in answer.headers if name == b"set-cookie"] == [
        "__Host-browser=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
        "browser=v; Path=/; HttpOnly; SameSite=Lax",
        "__Host-browser=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
    ]
    for value in ("a b", "a;b", 'a"b', "a,b", "a\\b", "a\r\nb", "é", "a\n"):
        with pytest.raises(ValueError, match="cookie"):
            answer.set_cookie("browser", value, secure=True)


@given(st.text(max_size=100))
def test_no_location_begins_another_header(location: str) -> None:
    try:
        answer = redirect(location)
    except UnicodeEncodeError:
        return
    ((_, value), *_) = answer.headers
    assert all(0x21 <= octet <= 0x7E for octet in value)


@pytest.mark.spec("RFC 9700 §4.12")
def test_a_redirect_never_repeats_a_form() -> None:
    for status in (301, 307, 308):
        with pytest.raises(ValueError, match="form"):
            redirect("/x", status)


@pytest.mark.attack("A11")
@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://rp.example/cb?x=1", "https://rp.example"),
        ("http://127.0.0.1:8765/cb", "http://127.0.0.1:8765"),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://cb/x", "com.example.app://cb"),
        ("http://[::1]:8765/cb", "http:"),
        ("https://user@rp.example/", "https:"),
        ("https://rp.example;script-src *", "https:"),
        ("rp.example", "'self'"),
        ("", "'self'"),
    ],
)
def test_a_form_may_end_where_the_client_lives(uri: str, source: str) -> None:
    assert form_target(uri) == source


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("deflate,  gzip ; q=1.0", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("xgzip", False),
        ("", False),
    ],
)
async def test_pages_are_compressed_for_who_takes_it(accepted: str, compressed: bool) -> None:
    html = "<p>compressible</p>" * 200
    app = web([route("/x", answering(page_answer(html)))])
    reply = await ask(app, Asked(path="/x", headers=[("accept-encoding", accepted)]))
    assert reply.header("content-encoding") == ("gzip" if compressed else None)
    assert reply.header("content-length") == str(len(reply.body))
    assert (gzip.decompress(reply.body) if compressed else reply.body) == html.encode()


async def test_the_length_of_a_compressed_page_tells_nothing_exact() -> None:
    app = web([route("/x", answering(page_answer("<p>same</p>" * 50)))])
    asked = Asked(path="/x", headers=[("accept-encoding", "gzip")])
    assert len({len((await ask(app, asked)).body) for _ in range(50)}) > 10


async def test_a_lifespan_opens_and_closes() -> None:
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    steps = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        steps.append("open")
        yield
        steps.append("close")

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.any"}

    async def send(message: Any) -> None:
        steps.append(message["type"])

    await web([], lifespan=lifespan)({"type": "lifespan"}, receive, send)
    assert steps == ["open", "lifespan.startup.complete", "close", "lifespan.shutdown.complete"]


async def test_a_drained_server_sends_clients_elsewhere() -> None:
    app = web([route("/x")])
    assert (await ask(app, Asked(path="/x"))).header("connection") is None
    app.drain()
    reply = await ask(app, Asked(path="/x"))
    assert (reply.status, reply.header("connection"), app.draining) == (200, "close", True)


@pytest.mark.attack("A26")
@given(
    st.text(st.characters(max_codepoint=255), max_size=50),
    st.binary(max_size=50),
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "accept",
                    "accept-encoding",
                    "host",
                    "cookie",
                    "origin",
                    "content-length",
                    "content-type",
                    "if-none-match",
                    "sec-fetch-site",
                    "x-forwarded-for",
                ]
            ),
            st.text(st.characters(max_codepoint=255), max_size=30),
        ),
        max_size=5,
    ),
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "\x00"]),
)
async def test_nothing_from_outside_makes_a_500(
    path: str, body: bytes, headers: list[tuple[str, str]], method: str
) -> None:
    async def reads(call: Call) -> Answer:
        call.query()
        call.cookies()
        await (call.form() if method == "POST" else call.json())
        return page_answer("")

    app = web(
        [
            Route(path="/x", endpoints={"GET": reads, "POST": reads}, budget="token", page=True),
            route("/login/{login_id}", reads),
        ]
    )
    for target in ("/x", "/login/" + path, path):
        asked = Asked(method, target, headers, [body], query=body)
        assert (await ask(app, asked)).status < 500


def test_budgets_are_named_by_routes() -> None:
    app = web([route("/x")], budgets={"token": Budget("token", 1, 0)})
    assert [known.budget for known in app.routes] == ["token"]
