"""Listeners that ask for certificates, over real sockets, asked by openssl, curl and httpx2."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Answer, Budget, Call, House, Route, Web, json_answer
from config.runtime.web.certificates import LARGEST_CERTIFICATE
from config.wiring.serving import Listening, Server
from tests.certificates import Holder, Wanted, authority, made, name

pytestmark = pytest.mark.long

LARGE = 3_000_000


async def tells(call: Call) -> Answer:
    """Answer whose certificate came, how much was sent, and as much as was asked for."""
    found = call.client_certificate()
    sent = len(await call.body(LARGE)) if call.method == "POST" else 0
    return json_answer(
        {
            "leaf": found and found.leaf.hex(),
            "issuers": len(found.issuers) if found else 0,
            "sent": sent,
            "padding": "x" * int(dict(call.query()).get("size", "0")),
        }
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener is, and what it takes to trust it."""

    port: int
    trusted: Path
    directory: Path

    def context(self, *files: Path) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.trusted)
        if files:
            context.load_cert_chain(*files)
        return context

    @asynccontextmanager
    async def client(self, holder: Holder | None = None) -> AsyncIterator[httpx2.AsyncClient]:
        files = holder.files(self.directory, "client") if holder else ()
        async with httpx2.AsyncClient(
            verify=self.context(*files), base_url=f"https://localhost:{self.port}", timeout=60
        ) as client:
            yield client

    async def openssl(self, *options: str) -> str:
        """Return what openssl s_client says of a connection."""
        address = ("-connect", f"127.0.0.1:{self.port}", "-servername", "localhost")
        return await run("openssl", "s_client", *address, "-CAfile", str(self.trusted), *options)

    async def curl(self, path: str, *options: str) -> str:
        """Return what curl gets."""
        certain = ("-sS", "--max-time", "20", "--cacert", str(self.trusted))
        return await run("curl", *certain, *options, f"https://localhost:{self.port}{path}")


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return said.decode(errors="replace")


@asynccontextmanager
async def listening(directory: Path, *, asks: bool) -> AsyncIterator[Place]:
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    server_files = made(Wanted(subject=name("server"), names=names, usages=None)).files(
        directory, "server"
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    house = House(
        origins=[f"https://localhost:{port}"],
        clock=SystemClock(),
        entropy=SystemEntropy(),
        budgets={"tokens": Budget("tokens", 100, 100)},
    )
    route = Route(path="/", endpoints={"GET": tells, "POST": tells}, budget="tokens")
    certificate, key = map(str, server_files)
    server = Server(
        Web([route], house),
        Listening(host="", port=0, certificate=certificate, certificate_key=key, asks=asks),
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.001)
    try:
        yield Place(port, server_files[0], directory)
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Place]:
    async with listening(tmp_path, asks=True) as place:
        yield place


def self_signed() -> Holder:
    return made(Wanted(subject=name("client")))


async def told(client: httpx2.AsyncClient, path: str = "/", **named: Any) -> dict[str, Any]:
    answer = await client.request("POST" if "content" in named else "GET", path, **named)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.spec("RFC 8705 §2.2")
async def test_a_certificate_that_nobody_else_signed_arrives(asking: Place) -> None:
    holder = self_signed()
    async with asking.client(holder) as client:
        assert (await told(client))["leaf"] == holder.der.hex()
        assert (await told(client))["leaf"] == holder.der.hex()  # the next request on it too


async def test_the_issuers_that_a_client_sends_arrive_with_it(asking: Place) -> None:
    middle = authority("middle", authority("root"))
    holder = made(Wanted(subject=name("client")), middle)
    async with asking.client(holder) as client:
        found = await told(client)
    assert (found["leaf"], found["issuers"]) == (holder.der.hex(), 1)


async def test_without_a_certificate_one_is_a_guest(asking: Place) -> None:
    async with asking.client() as client:
        assert (await told(client))["leaf"] is None


@pytest.mark.attack("A19")
async def test_a_header_counts_as_little_here_as_elsewhere(asking: Place) -> None:
    claimed = {"client-cert": ":MAMCAQU=:"}
    async with asking.client() as guest:
        assert (await told(guest, headers=claimed))["leaf"] is None


async def test_large_bodies_pass_both_ways(asking: Place) -> None:
    async with asking.client(self_signed()) as client:
        found = await told(client, "/?size=700000", content=bytes(LARGE))
    assert (found["sent"], len(found["padding"])) == (LARGE, 700_000)


async def test_many_at_once_keep_their_own_certificates(asking: Place, tmp_path: Path) -> None:
    async def one(number: int) -> bool:
        holder = self_signed()
        files = holder.files(tmp_path, f"client{number}")
        said = await asking.curl("/", "--cert", str(files[0]), "--key", str(files[1]))
        return holder.der.hex() in said

    assert all(await asyncio.gather(*map(one, range(8))))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_curl_is_understood_in_both_versions_of_tls(
    asking: Place, tmp_path: Path, version: str
) -> None:
    holder = self_signed()
    certificate, key = map(str, holder.files(tmp_path, "client"))
    only = (f"--tlsv{version}", "--tls-max", version)
    said = await asking.curl("/", "--cert", certificate, "--key", key, *only)
    assert holder.der.hex() in said


@pytest.mark.attack("A19")
@pytest.mark.spec("RFC 5246 §7.4.8")
@pytest.mark.parametrize("tampers", [False, True])
async def test_a_copied_certificate_proves_nothing_without_its_key(
    asking: Place, tmp_path: Path, tampers: bool
) -> None:
    """A relay breaks the signature over the handshake, as if another key had made it."""
    holder = self_signed()
    context = asking.context(*holder.files(tmp_path, "client"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where a relay sees the signature
    async with relay(asking.port, tampers) as port:
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="localhost"
            )
            writer.write(f"GET / HTTP/1.0\r\nHost: localhost:{asking.port}\r\n\r\n".encode())
            said = await asyncio.wait_for(reader.read(), 10)
            writer.close()
        except (ssl.SSLError, ConnectionError):
            said = b""
    assert (holder.der.hex().encode() in said) is not tampers


@asynccontextmanager
async def relay(port: int, tampers: bool) -> AsyncIterator[int]:
    """Pass bytes on to ``port``; break the client's CertificateVerify if ``tampers``."""

    async def upwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(5)
                body = bytearray(await reader.readexactly(int.from_bytes(head[3:])))
                if tampers and head[0] == 22 and body[0] == 15:
                    body[-1] ^= 1
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        below, above = await asyncio.open_connection("127.0.0.1", port)
        up = asyncio.create_task(upwards(reader, above))
        while data := await below.read(65536):
            writer.write(data)
        writer.close()
        await up

    server = await asyncio.start_server(passes, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_certificates_out_of_bounds_end_the_handshake(asking: Place) -> None:
    fat = [x509.DNSName(f"{'a' * 60}{n}.example") for n in range(LARGEST_CERTIFICATE // 60)]
    holder = made(Wanted(subject=name("client"), names=fat))
    assert len(holder.der) > LARGEST_CERTIFICATE
    async with asking.client(holder) as client:
        with pytest.raises(httpx2.TransportError):
            await client.get("/")
    async with asking.client(self_signed()) as client:
        assert (await told(client))["leaf"]


@pytest.mark.behaviour(46)
@pytest.mark.spec("FAPI 2.0 Security Profile §5.2.2")
@pytest.mark.parametrize("asks", [False, True])
async def test_only_tls_1_3_and_good_ciphers_of_1_2(tmp_path: Path, asks: bool) -> None:
    async with listening(tmp_path, asks=asks) as place:
        assert "TLSv1.3, Cipher is TLS_" in await place.openssl("-tls1_3")
        for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"):
            said = await place.openssl("-tls1_2", "-cipher", cipher)
            assert f"TLSv1.2, Cipher is {cipher}" in said
        for cipher in (
            "ECDHE-ECDSA-CHACHA20-POLY1305",
            "ECDHE-ECDSA-AES128-SHA256",
            "ECDHE-ECDSA-AES128-CCM",
            "AES128-GCM-SHA256",
            "DHE-RSA-AES128-GCM-SHA256",
        ):
            assert "Cipher is (NONE)" in await place.openssl("-tls1_2", "-cipher", cipher)
        for old in ("-tls1", "-tls1_1"):
            said = await place.openssl(old, "-cipher", "ALL:@SECLEVEL=0")
            assert "Cipher is (NONE)" in said


async def test_browsers_are_asked_for_nothing_where_people_come(tmp_path: Path) -> None:
    for asks in (False, True):
        async with listening(tmp_path, asks=asks) as place:
            said = await place.openssl("-tls1_3")
            assert ("Requested Signature Algorithms" in said) is asks
            async with place.client(self_signed()) as client:
                assert bool((await told(client))["leaf"]) is asks


async def test_no_session_is_resumed_with_a_certificate_of_before(
    asking: Place, tmp_path: Path
) -> None:
    files = self_signed().files(tmp_path, "client")
    with_one = ("-cert", str(files[0]), "-key", str(files[1]))
    for version in ("-tls1_2", "-tls1_3"):
        said = await asking.openssl(version, "-reconnect", *with_one)
        assert said.count("New, TLSv1") == 6 and "Reused, TLS" not in said


async def test_what_connects_and_says_nonsense_harms_nobody(asking: Place) -> None:
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", bytes(70_000)):
        reader, writer = await asyncio.open_connection("127.0.0.1", asking.port)
        writer.write(nonsense)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 10)
        writer.close()
    async with asking.client(self_signed()) as client:
        assert (await told(client))["leaf"]
