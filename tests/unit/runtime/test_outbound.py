"""The HTTP client goes where it was told by name, and never where a stranger would like it to."""

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.clock import SystemClock
from config.runtime.destinations import Destination, NotAllowed, Rules, destination, judge
from config.runtime.outbound import Fetcher, FetchFailed, Outgoing

PUBLIC = Rules()
HERE = Rules(loopback=True)

FORBIDDEN_URLS = [
    "http://rp.example/jwks",
    "HTTPS://rp.example/",
    "ftp://rp.example/",
    "file:///etc/passwd",
    "gopher://rp.example/",
    "javascript:alert(1)",
    "//rp.example/",
    "https:rp.example",
    "https:/rp.example",
    "https:///rp.example",
    "https://",
    "https://?",
    "https://:443/",
    "https://rp.example:0/",
    "https://rp.example:22/",
    "https://rp.example:80/",
    "https://rp.example:0443/",
    "https://rp.example:65536/",
    "https://rp.example:99999/",
    "https://rp.example:/",
    "https://rp.example:443:443/",
    "https://user@rp.example/",
    "https://user:password@rp.example/",
    "https://rp.example@127.0.0.1/",
    "https://127.0.0.1\\@rp.example/",
    "https://rp.example\\@127.0.0.1/",
    "https://rp.example\\.evil.example/",
    "https:\\\\rp.example/",
    "https://rp.example/#fragment",
    "https://rp.example#@127.0.0.1/",
    "https://rp.example/a b",
    " https://rp.example/",
    "https://rp.example/ ",
    "https://rp.example/\n",
    "https://rp.example/\r\nHost: evil",
    "https://rp.example/\t",
    "https://rp\n.example/",
    "https://rp.example\x00.evil.example/",
    "https://rp.example./",
    "https://.rp.example/",
    "https://rp..example/",
    "https://-rp.example/",
    "https://rp-.example/",
    "https://rp%2eexample/",
    "https://%31%32%37.0.0.1/",
    "https://rp.example%00/",
    "https://r\u00fc.example/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://127\u30020.0.1/",
    "https://rp\uff0eexample/",
    "https://rp.example/\u00fc",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7F.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1.2/",
    "https://0/",
    "https://0x/",
    "https://1.2.3.4.5/",
    "https://256.1.1.1/",
    "https://rp.example.0x7f/",
    "https://rp.example.1/",
    "https://[::1",
    "https://::1/",
    "https://[::1]x/",
    "https://[::1%25lo]/",
    "https://[fe80::1%eth0]/",
    "https://[:::1]/",
    "https://[rp.example]/",
    "https://[]/",
    "https://rp.example/[",
    "https://rp.example/{x}",
    "https://rp.example/|",
    "https://rp.example/`",
    "https://rp.example/" + "a" * 2048,
    "",
    "rp.example",
]

SPECIAL = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1"),
    *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1"),
    *("2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fec0::1", "ff02::1", "garbage", "", "fe80::1%lo"),
]


@pytest.mark.attack("A24")
@pytest.mark.parametrize("url", FORBIDDEN_URLS)
@pytest.mark.parametrize("rules", [PUBLIC, HERE], ids=["public", "loopback"])
def test_a_url_that_parsers_could_read_in_two_ways_is_refused(url: str, rules: Rules) -> None:
    with pytest.raises(NotAllowed):
        destination(url, rules)


@pytest.mark.attack("A24")
@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://rp.example", "rp.example", "/"),
        ("https://RP.example:443/jwks?a=b", "rp.example", "/jwks?a=b"),
        ("https://rp.example:8443/a/%2e%2e/b", "rp.example:8443", "/a/%2e%2e/b"),
        ("https://rp.example?x=1", "rp.example", "/?x=1"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
        ("https://8.8.8.8/", "8.8.8.8", "/"),
        ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443", "/"),
    ],
)
def test_a_plain_url_is_taken_apart(url: str, authority: str, target: str) -> None:
    asked = destination(url, PUBLIC)
    assert (asked.authority, asked.target, asked.scheme) == (authority, target, "https")


@pytest.mark.attack("A24")
@given(st.text(max_size=60) | st.text("htps:/@\\.#?[]%0127x", max_size=40).map("https://".__add__))
def test_no_text_makes_the_url_reader_fail(url: str) -> None:
    try:
        asked = destination(url, PUBLIC)
    except NotAllowed:
        return
    assert asked.port in PUBLIC.ports
    assert not set(asked.host) & set("@\\/#?%[] ")


@pytest.mark.attack("A24")
@pytest.mark.parametrize("address", SPECIAL)
def test_no_address_of_special_use_is_reached(address: str) -> None:
    asked = destination("https://rp.example/", PUBLIC)
    for rules in (PUBLIC, HERE):
        with pytest.raises(NotAllowed):
            judge([address], asked, rules)
        with pytest.raises(NotAllowed):
            judge(["8.8.8.8", address], asked, rules)


def test_public_addresses_are_reached() -> None:
    asked = destination("https://rp.example/", PUBLIC)
    for address in ("8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "2a00::1"):
        assert judge([address], asked, PUBLIC) == address
    with pytest.raises(NotAllowed):
        judge([], asked, PUBLIC)
    ours = Rules(private=(ip_network("10.20.0.0/16"),))
    assert judge(["10.20.1.1"], asked, ours) == "10.20.1.1"
    with pytest.raises(NotAllowed):
        judge(["10.21.1.1"], asked, ours)


def test_this_machine_is_reached_only_by_its_own_name_and_with_leave() -> None:
    for url in ("http://127.0.0.1:8765/jwks", "http://localhost:1/", "https://[::1]:9/"):
        asked = destination(url, HERE)
        assert judge(["127.0.0.1"], asked, HERE) == "127.0.0.1"
        with pytest.raises(NotAllowed):
            judge(["10.0.0.1"], asked, HERE)
        with pytest.raises(NotAllowed):
            judge(["127.0.0.1"], destination(url, PUBLIC), PUBLIC)


@dataclass
class Partner:
    """A server of somebody else's. ``answer`` writes whatever it likes."""

    answer: Callable[[asyncio.StreamWriter], Awaitable[None]]
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:  # a partner keeps its connections open
                head = await reader.readuntil(b"\r\n\r\n")
                length = [
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ]
                self.requests.append(head + await reader.readexactly(length[0] if length else 0))
                await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Partner]:
    partner = Partner(answer)
    if tls is not None:
        tls.sni_callback = lambda socket, name, context: partner.names.append(name)
    server = await asyncio.start_server(partner.serve, "127.0.0.1", 0, ssl=tls)
    partner.port = server.sockets[0].getsockname()[1]
    try:
        yield partner
    finally:
        server.close()


def saying(
    body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = ""
) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


@asynccontextmanager
async def fetching(rules: Rules = HERE, **more: object) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(SystemClock(), rules, **more)  # type: ignore[arg-type]
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def refused(fetcher: Fetcher, url: str, **more: object) -> str:
    with pytest.raises(FetchFailed) as failure:
        await fetcher.get_json(url, **more)  # type: ignore[arg-type]
    assert url not in str(failure.value)
    return failure.value.reason


async def test_a_document_is_fetched() -> None:
    async with running(saying(b'{"keys":[]}')) as partner, fetching() as fetcher:
        url = f"http://127.0.0.1:{partner.port}/jwks?x=1"
        assert await fetcher.get_json(url) == {"keys": []}
    head = partner.requests[0].lower()
    assert head.startswith(b"get /jwks?x=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{partner.port}\r\n".encode() in head
    assert b"accept-encoding: identity" in head
    assert b"cookie" not in head and b"python" not in head


JWT = "Application/JWT; x=1"


async def test_a_token_is_fetched_as_one_of_the_types_that_are_accepted() -> None:
    kinds, token = frozenset(("application/jwt", "text/plain")), saying(b"a.b.c", kind=JWT)
    async with running(token) as partner, fetching() as fetcher:
        fetched = await fetcher.get(f"http://127.0.0.1:{partner.port}/request", kinds)
    assert fetched.body == b"a.b.c"
    assert b"accept: application/jwt, text/plain" in partner.requests[0].lower()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (saying(b"a.b.c", kind="text/html"), "type"),
        (saying(b"a.b.c", status="404 Not Found", kind="application/jwt"), "status"),
        (saying(b"", status="302 Found", more="Location: http://127.0.0.1/\r\n"), "redirect"),
        (saying(b"x" * 200, kind="application/jwt"), "size"),
    ],
)
async def test_anything_else_is_no_token(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], reason: str
) -> None:
    async with running(answer) as partner, fetching() as fetcher:
        url = f"http://127.0.0.1:{partner.port}/request"
        with pytest.raises(FetchFailed) as failure:
            await fetcher.get(url, frozenset(("application/jwt",)), 100)
    assert failure.value.reason == reason
    assert url not in str(failure.value)


async def test_a_form_is_posted_once_and_any_answer_is_returned() -> None:
    body = b"logout_token=x"
    outgoing = {"body": body, "content_type": "application/x-www-form-urlencoded"}
    async with running(saying(b"no", "400 Bad", "text/plain; x=y")) as partner, fetching() as f:
        fetched = await f.post(
            Outgoing(
                url=f"http://127.0.0.1:{partner.port}/",
                headers={"authorization": "Basic eA=="},
                **outgoing,  # type: ignore[arg-type]
            )
        )
    assert (fetched.status, fetched.content_type, fetched.body) == (400, "text/plain", b"no")
    assert len(partner.requests) == 1
    assert partner.requests[0].endswith(body)
    assert b"authorization: basic ea==" in partner.requests[0].lower()


@pytest.mark.attack("A24")
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (saying(b"", "302 Found", more="Location: http://169.254.169.254/\r\n"), "redirect"),
        (saying(b"{}", "307 Go", more="Location: http://127.0.0.1/\r\n"), "redirect"),
        (saying(b"{}", "404 Not Found"), "status"),
        (saying(b"{}", "204 No Content"), "status"),
        (saying(b"{}", kind="text/html"), "type"),
        (saying(b"{}", kind="text/json+json"), "type"),
        (saying(b"{}", kind=""), "type"),
        (saying(b"{}", more="Content-Encoding: gzip\r\n"), "type"),
        (saying(b"{"), "json"),
        (saying(b'{"a":1,"a":2}'), "json"),
        (saying(b"[" * 1000), "json"),
        (saying(b'"' + b"a" * 65_535 + b'"'), "size"),
        (saying(b"{}", "200 OK\r\nContent-Length: 5"), "network"),
    ],
)
async def test_what_is_not_a_plain_document_is_refused(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], reason: str
) -> None:
    async with running(answer) as partner, fetching() as fetcher:
        assert await refused(fetcher, f"http://127.0.0.1:{partner.port}/") == reason
    assert len(partner.requests) == 1


async def test_other_kinds_of_json_are_json() -> None:
    for kind in ("application/jwk-set+json", "Application/JSON; charset=utf-8"):
        async with running(saying(b"{}", kind=kind)) as partner, fetching() as fetcher:
            assert await fetcher.get_json(f"http://127.0.0.1:{partner.port}/") == {}


@pytest.mark.attack("A24")
async def test_a_body_without_end_is_cut_off() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b" " * 4096)
            sent += 4096
            await writer.drain()

    async with running(endless) as partner, fetching() as fetcher:
        assert await refused(fetcher, f"http://127.0.0.1:{partner.port}/", limit=10_000) == "size"
    assert sent < 20_000_000


@pytest.mark.attack("A24")
async def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    for answer in (drip, silence):
        async with running(answer) as partner, fetching() as fetcher:
            url = f"http://127.0.0.1:{partner.port}/"
            async with asyncio.timeout(20):
                assert await refused(fetcher, url, seconds=0.2) == "timeout"


@pytest.mark.attack("A24")
async def test_a_name_that_changes_its_address_is_judged_by_the_one_we_connect_to() -> None:
    answers = iter([["8.8.8.8", "127.0.0.1"], ["127.0.0.1"], ["::ffff:127.0.0.1"]])
    asked = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    async with running(saying(b"{}")) as partner:
        rules = Rules(ports=frozenset((partner.port,)))
        async with fetching(rules, resolve=rebinding) as fetcher:
            for _ in range(3):
                url = f"https://rp.example:{partner.port}/"
                assert await refused(fetcher, url) == "address"
    assert asked == ["rp.example"] * 3
    assert not partner.requests


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for rp.example and its key."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rp.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365 * 30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("rp.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.attack("A24")
async def test_the_judged_address_is_asked_under_the_name(certificates: tuple[Path, Path]) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificates)
    trust = ssl.create_default_context(cafile=certificates[0])
    asked = []

    async def once(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with running(saying(b'{"a":1}'), tls) as partner:
        rules = Rules(private=(ip_network("127.0.0.0/8"),), ports=frozenset((partner.port,)))
        async with fetching(rules, resolve=once, trust=trust) as fetcher:
            assert await fetcher.get_json(f"https://rp.example:{partner.port}/") == {"a": 1}
            assert partner.names == ["rp.example"]
            assert f"host: rp.example:{partner.port}".encode() in partner.requests[0].lower()
            # another name at the same address needs a certificate of its own
            other = f"https://other.example:{partner.port}/"
            assert await refused(fetcher, other) == "network"
        async with fetching(rules, resolve=once) as distrusting:
            url = f"https://rp.example:{partner.port}/"
            assert await refused(distrusting, url) == "network"
    assert asked == ["rp.example", "other.example", "rp.example"]
    assert len(partner.requests) == 1


async def test_the_environment_names_no_proxy_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with running(saying(b"{}")) as partner, fetching() as fetcher:
        assert await fetcher.get_json(f"http://127.0.0.1:{partner.port}/") == {}


async def test_who_is_down_is_left_alone_for_a_while() -> None:
    async with running(saying(b"{}", "500 Oops")) as partner, fetching() as fetcher:
        url = f"http://127.0.0.1:{partner.port}/"
        reasons = [await refused(fetcher, url) for _ in range(6)]
        assert reasons == ["status"] * 3 + ["open"] * 3
        async with running(saying(b"{}")) as other:
            assert await fetcher.get_json(f"http://127.0.0.1:{other.port}/") == {}
    assert len(partner.requests) == 3


async def test_one_host_gets_a_few_requests_at_once() -> None:
    release = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await saying(json.dumps({}).encode())(writer)

    async with running(held) as partner, fetching() as fetcher:
        url = f"http://127.0.0.1:{partner.port}/"
        tasks = [asyncio.create_task(fetcher.get_json(url)) for _ in range(8)]
        async with asyncio.timeout(20):
            while len(partner.requests) < 8:
                await asyncio.sleep(0.001)
        assert await refused(fetcher, url) == "busy"
        release.set()
        assert await asyncio.gather(*tasks) == [{}] * 8
        assert await fetcher.get_json(url) == {}


async def test_a_name_without_address_is_a_network_failure() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError

    async with fetching(PUBLIC, resolve=unknown) as fetcher:
        assert await refused(fetcher, "https://rp.example/") == "network"


def test_the_host_header_has_brackets_where_they_belong() -> None:
    asked = Destination(scheme="https", host="2001:db8::1", port=443, target="/")
    assert asked.authority == "[2001:db8::1]"


async def test_a_configured_gateways_connection_is_kept_and_any_others_is_not() -> None:
    for keep, connections in ((True, 1), (False, 3)):
        opened: set[int] = set()

        async def answer(writer: asyncio.StreamWriter, opened: set[int] = opened) -> None:
            opened.add(writer.get_extra_info("peername")[1])
            await saying(b"{}")(writer)

        async with running(answer) as partner, fetching(keep=keep) as fetcher:
            for _ in range(3):
                await fetcher.get_json(f"http://127.0.0.1:{partner.port}/")
        assert len(opened) == connections


@pytest.mark.attack("A24")
async def test_a_partners_cookie_is_never_shown_again_and_no_address_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    cookie = saying(b"{}", more="Set-Cookie: a=b; Path=/\r\n")
    async with running(cookie) as partner, fetching() as fetcher:
        for _ in range(2):
            await fetcher.get_json(f"http://127.0.0.1:{partner.port}/?secret=1")
    assert b"cookie" not in partner.requests[1].lower()
    assert "secret" not in caplog.text
