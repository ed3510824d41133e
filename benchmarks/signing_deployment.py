"""The signing service as a target: key service, worker and signing service, as processes."""

import asyncio
import json
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from rfc3161_client import TimestampRequestBuilder

from benchmarks.approvals import QUALIFIER, Approvals
from benchmarks.clients import SecretClient
from benchmarks.ours import Plan, answers, environment_of, free_port, imported, key_settings
from benchmarks.processes import Child
from benchmarks.targets import Clients, Paths, Target
from benchmarks.wire import Connection, post_octets
from config.cli.opening import settings_of
from config.wiring.migrations import KEYSTORE, WEB, migrate
from config.wiring.production import open_world
from keystore.authority.addresses import STAMPING_PATH, STATUS_PATH
from keystore.der.cms_reading import read_message
from keystore.purposes import Role
from keystore.service.run import socket_path

SIGNERS = 4
"""Residents whose approvals are signed with."""


@dataclass(frozen=True, slots=True)
class House:
    """A signing service that runs, and what was approved for it."""

    target: Target
    approvals: Approvals

    @property
    def stamp_request(self) -> bytes:
        """Return a request for a time-stamp (RFC 3161 §3.4)."""
        query = TimestampRequestBuilder().data(b"content").build().as_bytes()
        return post_octets(self.target.host, STAMPING_PATH, "application/timestamp-query", query)

    async def status_request(self, connection: Connection) -> bytes:
        """Return a question about the certificate of a signature that is made for it."""
        self.approvals.begin(1)
        answer = await connection.ask(await self.approvals.next())
        [signature] = json.loads(answer.body)["SignatureObject"]
        message = read_message(b64decode(signature))
        mine = message.certificate_of(message.signers[0]) or b""
        one = x509.load_der_x509_certificate(mine)
        above = map(x509.load_der_x509_certificate, message.certificates)
        issuer = next(each for each in above if each.subject == one.issuer)
        builder = ocsp.OCSPRequestBuilder().add_certificate(one, issuer, hashes.SHA256())
        asked = builder.build().public_bytes(Encoding.DER)
        return post_octets(self.target.host, STATUS_PATH, "application/ocsp-request", asked)


@asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[House]:
    """Run the deployment of ``plan`` until the block ends.

    idp's part, that a person approves, is played by the generator, through idp's own socket.
    """
    plan.directory.mkdir(parents=True)
    port, operations = free_port(), free_port()
    environment = _written(plan, port, operations)
    file = str(plan.directory / "symbolon.toml")
    settings = settings_of(file)
    python = (sys.executable, "-m")
    with ExitStack() as stack:

        def start(name: str, *command: str) -> Child:
            log = plan.directory / f"{plan.name}-{name}.log"
            child = Child.start(command, environment, log, plan.core)
            stack.callback(child.stop)
            return child

        await asyncio.to_thread(migrate, settings.keys.database, KEYSTORE)
        await asyncio.to_thread(migrate, settings.database.url, WEB)
        samples = {name: plan.directory / f"{name}.json" for name in ("web", "keys")}
        keys = start("keys", *python, "benchmarks.web", "keys", file, str(samples["keys"]))
        keys.until(socket_path(Path(settings.keys.sockets), Role.OPERATOR).exists)
        web = start("web", *python, "benchmarks.web", "esignet", file, str(samples["web"]))
        started_in = web.until(lambda: answers(f"http://127.0.0.1:{operations}/readyz"))
        worker = start("worker", *python, "config.cli.main", "work")
        async with open_world(settings, Role.OPERATOR) as world:
            await imported(world, plan.directory, SIGNERS)
        async with open_world(settings, Role.IDP) as world:
            approvals = await Approvals.opened(world)
            processes = {"web": web, "worker": worker, "keys": keys}
            target = Target(
                name=plan.name,
                port=port,
                issuer=settings.issuers[0].address,
                paths=Paths(),
                processes={name: child.process.pid for name, child in processes.items()},
                databases=dict(plan.database_processes),
                clients=Clients.of("", "", SecretClient("nobody", "")),
                names=(),
                sign_ahead=approvals.sign_ahead,
                samples=samples,
                started_in=started_in,
            )
            approvals.host = target.host
            yield House(target, approvals)


def _written(plan: Plan, port: int, operations: int) -> dict[str, str]:
    """Write the settings file; return the environment of the processes."""
    environment, keys = environment_of(plan), key_settings(plan)
    address = f"http://127.0.0.1:{port}"
    lines = [
        "demo = true",
        "[[issuers]]",
        f'address = "http://127.0.0.1:{free_port()}"',
        'profile = "oidc"',
        "[issuers.features]",
        f'signing_service = "{address}"',
        f'signing_qualifiers = ["{QUALIFIER}"]',
        "[esignet]",
        f'address = "{address}"',
        f"port = {port}",
        f"operations_port = {operations}",
        "[database]",
        f'url = "{plan.database or "sqlite:///symbolon.db"}"',
        "[keys]",
        *keys.lines,
        "[channels]",
        'enabled = ["inbox"]',
        'inbox_url = "http://127.0.0.1:9"',
    ]
    (plan.directory / "symbolon.toml").write_text("\n".join(lines) + "\n")
    return environment | keys.environment
