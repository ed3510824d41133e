"""The proxies of ``deploy/proxies``, run for real: what they pass on of a client's certificate."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.web import Answer, Budget, Call, House, Route, TrustedProxies, Web, json_answer
from config.runtime.web.certificates import client_cert
from config.wiring.serving import Listening, Server
from tests.certificates import Wanted, made, name

pytestmark = [pytest.mark.long, pytest.mark.server]

DEPLOY = Path(__file__).parents[2] / "deploy" / "proxies"
NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
PROXIES = TrustedProxies([ip_network("127.0.0.1")], certificates=True)


async def tells(call: Call) -> Answer:
    found = call.client_certificate()
    return json_answer({"leaf": found and found.leaf.hex(), "chain": bool(found and found.issuers)})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy: where people come, and where clients with certificates do."""

    people: int
    clients: int
    directory: Path

    async def get(self, port: int, *options: str) -> str:
        address = f"https://localhost:{port}/"
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "--max-time", "20", "--cacert", str(self.directory / "id.pem")),
            *(*options, "-H", "Host: id.example", address),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 30)
        return said.decode()


@asynccontextmanager
async def upstream() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    house = House(
        origins=["https://id.example"],
        clock=SystemClock(),
        entropy=SystemEntropy(),
        budgets={"tokens": Budget("tokens", 100, 100)},
        proxies=PROXIES,
    )
    web = Web([Route(path="/", endpoints={"GET": tells}, budget="tokens")], house)
    server = Server(web, Listening(host="", port=0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def arranged(front: Front, kind: str, above: int) -> list[str]:
    """Write what the proxy needs, from the files that are deployed; return how it is started."""
    directory = front.directory
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    holder = made(Wanted(subject=name("server"), names=names, usages=None))
    certificate, key = holder.files(directory, "id")
    file = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}[kind]
    text = (DEPLOY / file).read_text().replace("127.0.0.1:8081", f"127.0.0.1:{above}")
    text = text.replace(f"/etc/{kind}", str(directory))
    if kind == "haproxy":
        certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
        text = text.replace("bind :443", f"bind 127.0.0.1:{front.people}")
        text = text.replace("bind :8443", f"bind 127.0.0.1:{front.clients}")
        command = ["haproxy", "-db", "-f", str(directory / file)]
    else:
        shutil.copy(DEPLOY / "client_cert.js", directory)
        text = text.replace("listen 443", f"listen 127.0.0.1:{front.people}")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{front.clients}")
        text = f"pid {directory}/pid;\nerror_log stderr;\ndaemon off;\nuser root;\n" + text
        text = text.replace("http {", "http {\n    access_log off;", 1)
        command = ["nginx", "-c", str(directory / file)]
    (directory / file).write_text(text)
    return command


@pytest.fixture(params=["haproxy", "nginx"])
async def front(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Front]:
    kind: str = request.param
    if kind == "nginx" and not (shutil.which("nginx") and NJS.exists()):
        pytest.skip("nginx with njs is not installed: HAProxy is, for these tests")
    made = Front(free_port(), free_port(), tmp_path)
    async with upstream() as above:
        process = subprocess.Popen(arranged(made, kind, above))
        try:
            async with asyncio.timeout(20):
                while not await answers(made.clients):
                    assert process.poll() is None
                    await asyncio.sleep(0.02)
            yield made
        finally:
            process.terminate()
            process.wait(20)


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.spec("RFC 9440 §2.2")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_the_certificate_of_a_client_is_passed_on(front: Front, version: str) -> None:
    holder = made(Wanted(subject=name("client")))
    certificate, key = map(str, holder.files(front.directory, "client"))
    only = (f"--tlsv{version}", "--tls-max", version)
    said = await front.get(front.clients, "--cert", certificate, "--key", key, *only)
    assert holder.der.hex() in said


@pytest.mark.attack("A19")
@pytest.mark.spec("RFC 9440 §4")
async def test_headers_of_a_clients_own_making_do_not_pass(front: Front) -> None:
    stolen = made(Wanted(subject=name("somebody"))).der
    lied = ("-H", f"Client-Cert: {client_cert(stolen)}")
    chain = ("-H", f"Client-Cert-Chain: {client_cert(stolen)}")
    for port in (front.people, front.clients):
        for headers in (lied, chain, (*lied, *chain), ("-H", "client_cert: x", *lied)):
            said = await front.get(port, *headers)
            assert '"leaf":null' in said, said
    own = made(Wanted(subject=name("client")))
    certificate, key = map(str, own.files(front.directory, "client"))
    said = await front.get(front.clients, *lied, *chain, "--cert", certificate, "--key", key)
    assert own.der.hex() in said and '"chain":false' in said
