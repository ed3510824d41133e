"""Symbolon as a target: a deployment of real processes in a directory of its own."""

import asyncio
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.clients import KeyClient, SecretClient
from benchmarks.processes import Child
from benchmarks.scenarios import CIBA
from benchmarks.sink import Sink
from benchmarks.targets import CALLBACK, Clients, Paths, Target
from benchmarks.tokens import SIGNERS, far_module
from config.cli.opening import settings_of
from config.wiring.migrations import KEYSTORE, WEB, migrate
from config.wiring.production import open_world
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.protocol.client import Client
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import Importer, Order
from idp.residents.pins import PinHashing
from keystore.purposes import Role
from keystore.service.run import socket_path
from tests.softhsm import LABEL, start_softhsm

RESIDENTS = 400
PLENTY = "1000000/60"
"""A limit that nobody meets: over one second, whoever began just before a tick would meet it."""

RATES = (
    "otp_sends_per_resident",
    "otp_sends_per_phone",
    "otp_sends_per_prefix",
    "otp_sends_per_client",
    "sends_per_address",
    "wrong_answers_per_resident",
    "wrong_answers_per_device",
    "wrong_answers_per_address",
    "logins_per_address",
)
SCOPE = frozenset(("openid", "profile", "email", "offline_access"))
GRANTS = ("authorization_code", "refresh_token")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A deployment: ``database`` and ``redis`` are addresses; "" for SQLite and no Redis.

    ``database_processes`` are the servers behind them, by name.
    """

    name: str
    directory: Path
    core: int
    database: str = ""
    redis: str = ""
    hsm: bool = False
    far: bool = False
    """Whether the HSM is a token that takes 5 ms for each key and each signature."""
    database_processes: tuple[tuple[str, int], ...] = ()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(plan: Plan, sink: Sink) -> AsyncIterator[Target]:
    """Run the deployment of ``plan`` until the block ends."""
    plan.directory.mkdir(parents=True)
    port, operations = free_port(), free_port()
    environment = _written(plan, sink, port, operations)
    file = str(plan.directory / "symbolon.toml")
    settings = settings_of(file)
    python = (sys.executable, "-m")
    cli = (*python, "config.cli.main")
    with ExitStack() as stack:

        def start(name: str, *command: str) -> Child:
            child = Child.start(
                command, environment, plan.directory / f"{plan.name}-{name}.log", plan.core
            )
            stack.callback(child.stop)
            return child

        await asyncio.to_thread(migrate, settings.keys.database, KEYSTORE)
        await asyncio.to_thread(migrate, settings.database.url, WEB)
        keys = start("keys", *cli, "keys", "serve")
        keys.until(socket_path(Path(settings.keys.sockets), Role.OPERATOR).exists)
        samples = plan.directory / "samples.json"
        web = start("web", *python, "benchmarks.web", "idp", file, str(samples))
        started_in = web.until(lambda: answers(f"http://127.0.0.1:{operations}/readyz"))
        worker = start("worker", *cli, "work")
        async with open_world(settings, Role.OPERATOR) as world:
            clients = await _registered(world)
            names = await imported(world, plan.directory, RESIDENTS)
        yield Target(
            name=plan.name,
            port=port,
            issuer=settings.issuers[0].address,
            paths=Paths(),
            processes={
                "web": web.process.pid,
                "worker": worker.process.pid,
                "keys": keys.process.pid,
            },
            databases=dict(plan.database_processes),
            clients=clients,
            sign_ahead=clients.sign_ahead,
            names=names,
            settle=sink.quiet,
            samples={"web": samples},
            started_in=started_in,
        )


def _written(plan: Plan, sink: Sink, port: int, operations: int) -> dict[str, str]:
    """Write the settings file; return the environment of the processes."""
    keys = key_settings(plan)
    lines = [
        "demo = true",
        "[[issuers]]",
        f'address = "http://127.0.0.1:{port}"',
        'profile = "oidc"',
        "[web]",
        f"port = {port}",
        f"operations_port = {operations}",
        "[database]",
        f'url = "{plan.database or "sqlite:///symbolon.db"}"',
        f'redis_url = "{plan.redis}"',
        "[keys]",
        *keys.lines,
        "[channels]",
        'enabled = ["inbox"]',
        f'inbox_url = "{sink.url}"',
        "[limits]",
        *(f'{rate} = "{PLENTY}"' for rate in RATES),
    ]
    (plan.directory / "symbolon.toml").write_text("\n".join(lines) + "\n")
    return environment_of(plan) | keys.environment


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Lines of the section [keys], and the environment that they need."""

    lines: tuple[str, ...]
    environment: dict[str, str]


def key_settings(plan: Plan) -> KeySettings:
    """Return where the keys of ``plan`` lie; a token is made where it has one."""
    if not plan.hsm:
        return KeySettings(('backend = "software"', "software_allowed = true"), {})
    hsm = start_softhsm(plan.directory / "token")
    module = far_module(plan.directory) if plan.far else hsm.module
    lines = ['backend = "pkcs11"', f'module = "{module}"', f'token = "{LABEL}"']
    lines.append(f'pin_file = "{hsm.pin_file}"')
    if plan.far:
        lines.append(f"sessions = {SIGNERS}")
    return KeySettings(tuple(lines), hsm.variables)


def environment_of(plan: Plan) -> dict[str, str]:
    """Return the environment of the processes of ``plan``: this one's, without its settings."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith("SYMBOLON_")}
    mine |= {"SYMBOLON_SETTINGS": str(plan.directory / "symbolon.toml")}
    return mine | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


def answers(url: str) -> bool:
    """Return whether what is asked for by GET is there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _registered(world: World) -> Clients:
    """Register the clients."""
    now, issuer = world.clock.now(), world.settings.issuers[0].address
    clients = Clients.of(issuer, f"{issuer}{Paths().token}", SecretClient("resource-server", ""))
    key = replace(
        _with_key(issuer, clients.key),
        grant_types=(*GRANTS, "client_credentials", CIBA),
        backchannel_token_delivery_mode="poll",
    )
    proof = replace(_with_key(issuer, clients.proof), dpop_bound_access_tokens=True)
    for client in (key, proof):
        await registrar(world).add(client, "", now)
    wish = _client(issuer, clients.secret.client_id, "client_secret_basic")
    registered = await registrar(world).add(wish, "", now)
    assert registered.secret is not None
    return replace(clients, secret=SecretClient(wish.client_id, registered.secret))


def _with_key(issuer: str, client: KeyClient) -> Client:
    jwks = json.dumps({"keys": [client.jwk()]}).encode()
    return replace(_client(issuer, client.client_id, "private_key_jwt"), jwks=jwks)


def _client(issuer: str, client_id: str, method: str) -> Client:
    return Client(
        client_id=client_id,
        issuer=issuer,
        profile="oidc",
        names={"": client_id},
        redirect_uris=(CALLBACK,),
        token_endpoint_auth_method=method,
        sector="",
        grant_types=GRANTS,
        scope=SCOPE,
    )


async def imported(world: World, directory: Path, count: int) -> tuple[str, ...]:
    """Import ``count`` residents, and return their national numbers."""
    assert isinstance(world.residents, EmbeddedResidents)
    file = directory / "residents.jsonl"
    names = tuple(f"{1_000_000_000 + 7 * index}" for index in range(count))
    file.write_text("".join(_resident(name) for name in names))
    hashing = PinHashing.argon2id(memory=8, rounds=1, threads=1)
    importer = Importer.into(world.residents, hashing, world.clock)
    progress = await importer.run(Order.of(file), lambda _: None)
    assert progress.tally.rejected == 0, progress.tally
    return names


def _resident(name: str) -> str:
    row = {
        "national_id": name,
        "name": f"Ada Okello {name}",
        "given_name": "Ada",
        "family_name": "Okello",
        "birthdate": "1990-01-02",
        "gender": "female",
        "phone_number": f"+4477{name[-8:]}",
        "email": f"ada.{name}@example.org",
        "email_verified": True,
        "verified_at": "2024-03-18T09:30:00Z",
        "authority": "National Registration Bureau",
    }
    return json.dumps(row) + "\n"
