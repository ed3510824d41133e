"""A deployment of real processes for tests that kill, stall, flood and upgrade them.

Key service, web servers and worker run the command line itself, each in a process of its own that
is forked from a server with everything imported: a start costs a fifth of a second, so a test can
afford hundreds of deaths. Nothing is shared but the settings file, the database and the sockets.
"""

import asyncio
import base64
import ctypes
import hashlib
import importlib
import json
import multiprocessing
import os
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from config.cli import main as command_line
from config.cli.opening import settings_of
from config.cli.serve import serve_application
from config.runtime.clock import SystemClock
from config.runtime.crashpoints import Crash
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Write
from config.runtime.entropy import SystemEntropy
from config.settings import Settings
from config.wiring.app import build_application
from config.wiring.demo.browser import Browser
from config.wiring.loops import use_uvloop
from config.wiring.migrations import KEYSTORE, WEB, migrate
from config.wiring.production import open_world
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.client_auth.method import ASSERTION_TYPE
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.grant import Authorization, IssuedCode, digest_of
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import Importer, Order
from idp.residents.pins import PinHashing
from idp.residents.tables import resident
from idp.stores.codes import Codes
from keystore.purposes import Role
from keystore.service.run import socket_path

CALLBACK = "http://127.0.0.1:8765/cb"
VERIFIER = "correct-horse-battery-staple-correct-horse-battery"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
SCOPE = frozenset(("openid", "profile", "email", "offline_access"))
KEY = ECKey.generate_key("P-256", {"kid": "rp-1"}, private=True)
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()
CLIENT_ID = "a-service"
PIN = "294817"
SOMEBODY = "somebody"
PIN_LEVEL = "mosip:idp:acr:static-code"
PLENTY = "1000000/1"
RATES = (
    "wrong_answers_per_resident",
    "wrong_answers_per_device",
    "wrong_answers_per_address",
    "logins_per_address",
)
PATIENCE = 30.0
"""Seconds that a process may take for what it was asked to do."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody and is not asked: every client that reads all certificates costs 30 ms."""

_NEW_RESIDENT = insert_new(resident)
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["tests.deployment", "config.cli.serve", "config.cli.keys"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a process starts: what ``symbolon`` is asked, its environment and its log.

    ``point`` and ``nth`` say where a web server dies. ``constants`` are ``module.NAME`` with other
    values in this process, such as a margin of a second where a country waits a minute.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    log: str
    point: str = ""
    nth: int = 1
    constants: tuple[tuple[str, Any], ...] = ()


def _live(start: Start) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: no orphans
    handle = os.open(start.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    for name in [name for name in os.environ if name.startswith("SYMBOLON_")]:
        del os.environ[name]
    os.environ.update(start.environment)
    for name, value in start.constants:
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)
    if start.point:
        _serve_and_die(start)
        return
    sys.argv = ["symbolon", *start.words]
    command_line.main()


def _serve_and_die(start: Start) -> None:
    settings = settings_of(start.environment["SYMBOLON_SETTINGS"])

    async def serve() -> None:
        async with open_world(settings, Role.IDP) as world:
            application = build_application(world, Crash(start.point, start.nth))
            await serve_application(application, settings)

    use_uvloop()
    asyncio.run(serve())


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(what: Any, seconds: float = PATIENCE) -> None:
    """Return when ``what``, a function or coroutine function, says yes; fail after ``seconds``."""
    give_up = time.monotonic() + seconds
    while True:
        said = what()
        if asyncio.iscoroutine(said):
            said = await said
        if said:
            return
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one web server listens: everybody's port and the operator's."""

    port: int = field(default_factory=free_port)
    operations: int = field(default_factory=free_port)


@dataclass(slots=True)
class Deployment:
    """One issuer in ``directory``. ``processes`` are those that were started, by name."""

    directory: Path
    settings: Settings
    environment: dict[str, str]
    spot: Spot
    processes: dict[str, ForkServerProcess] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return self.settings.issuers[0].address

    @property
    def file(self) -> Path:
        return self.directory / "symbolon.toml"

    def log(self, name: str) -> str:
        """Return what the process called ``name`` said."""
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, name: str, *words: str, **more: Any) -> ForkServerProcess:
        """Start ``symbolon WORDS`` under ``name``; ``more`` are fields of Start."""
        environment = self.environment | more.pop("environment", {})
        start = Start(
            words=words, environment=environment, log=str(self.directory / f"{name}.log"), **more
        )
        process = _forked.Process(target=_live, args=(start,), name=name)
        process.start()
        self.processes[name] = process
        return process

    def start_web(self, spot: Spot | None = None, name: str = "web", **more: Any) -> None:
        """Start a web server at ``spot``, the issuer's own without one."""
        spot = spot or self.spot
        environment = {
            "SYMBOLON_WEB__PORT": str(spot.port),
            "SYMBOLON_WEB__OPERATIONS_PORT": str(spot.operations),
        }
        self.start(name, "serve", environment=environment, **more)

    def pid(self, name: str) -> int:
        """Return the process's id."""
        found = self.processes[name].pid
        assert found is not None
        return found

    async def ended(self, name: str) -> int:
        """Return the exit code of a process once it ended; negative is the signal."""
        process = self.processes[name]
        await until(lambda: process.exitcode is not None)
        del self.processes[name]
        assert process.exitcode is not None
        return process.exitcode

    async def kill(self, name: str) -> None:
        """Kill a process at once and wait until it is gone."""
        os.kill(self.pid(name), signal.SIGKILL)
        await self.ended(name)

    async def stop_web(self, name: str = "web") -> None:
        """Ask a web server to stop, and hold that it does so as it should."""
        os.kill(self.pid(name), signal.SIGTERM)
        assert await self.ended(name) == 0, self.log(name)

    async def run(self, *words: str, **more: Any) -> str:
        """Run ``symbolon WORDS`` to its end and return what it said; it must exit 0."""
        name = f"run-{len(list(self.directory.glob('run-*')))}"
        self.start(name, *words, **more)
        status = await self.ended(name)
        assert status == 0, f"{words}: {status}\n{self.log(name)}"
        return self.log(name)

    async def keys_up(self, **more: Any) -> None:
        """Start the key service and wait until it listens."""
        operator = socket_path(Path(self.settings.keys.sockets), Role.OPERATOR)
        operator.unlink(missing_ok=True)
        self.start("keys", "keys", "serve", **more)
        await until(operator.exists)

    async def web_up(self, spot: Spot | None = None, name: str = "web", **more: Any) -> None:
        """Start a web server and wait until it is ready."""
        self.start_web(spot, name, **more)
        await self.ready(spot)

    async def readiness(self, spot: Spot | None = None) -> tuple[int, dict[str, Any]]:
        """Return what /readyz says; status 0 when nobody listens."""
        try:
            async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False, timeout=5) as http:
                place = spot or self.spot
                answer = await http.get(f"http://127.0.0.1:{place.operations}/readyz")
        except httpx2.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    async def ready(self, spot: Spot | None = None) -> None:
        """Return when the web server says that it is ready."""

        async def is_ready() -> bool:
            return (await self.readiness(spot))[0] == 200

        await until(is_ready)

    def http(self, spot: Spot | None = None, **more: Any) -> httpx2.AsyncClient:
        """Return a client that reaches one web server under the issuer's name."""
        place = spot or self.spot
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{place.port}",
            headers={"host": self.issuer.removeprefix("http://")},
            verify=NO_TLS,
            trust_env=False,
            **{"timeout": 20.0, "limits": httpx2.Limits(max_connections=None)} | more,
        )

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """Open what the operator's verbs stand on."""
        async with open_world(self.settings, Role.OPERATOR) as world:
            yield world

    @asynccontextmanager
    async def database(self) -> AsyncIterator[OpenDatabase]:
        """Open the database."""
        database = await open_database(self.settings.database.url)
        try:
            yield database
        finally:
            await database.close()

    async def listening(self, spot: Spot) -> None:
        """Return when somebody listens at ``spot``: sooner than that they say they are ready."""

        def accepts() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", spot.port)) == 0

        await until(accepts)

    def stop(self) -> None:
        """Kill what still runs."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.join(10)


@contextmanager
def deployment(
    database_url: str = "", environment: Mapping[str, str] | None = None, **sections: Any
) -> Iterator[Deployment]:
    """Lay a deployment out in a directory of its own, nothing started; at the end nothing runs.

    Without ``database_url`` on SQLite. ``sections`` are settings, a table each.
    """
    with tempfile.TemporaryDirectory(prefix="symbolon-") as made:
        directory, spot = Path(made), Spot()
        tables: dict[str, dict[str, Any]] = {
            "database": {"url": database_url or "sqlite:///symbolon.db"},
            "keys": {"backend": "software", "software_allowed": True},
            "pages": {"languages": ["en"]},
            "factors": {"enabled": ["pin"]},
            "limits": dict.fromkeys(RATES, PLENTY),
        }
        for name, section in sections.items():
            tables[name] = tables.get(name, {}) | section
        file = directory / "symbolon.toml"
        file.write_text(_toml(f"http://127.0.0.1:{spot.port}", tables))
        variables = {"SYMBOLON_SETTINGS": str(file), **(environment or {})}
        found = Deployment(directory, settings_of(str(file)), variables, spot)
        try:
            yield found
        finally:
            found.stop()


def _toml(issuer: str, tables: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["demo = true", "[[issuers]]", 'profile = "oidc"', f"address = {json.dumps(issuer)}"]
    lines += ['algorithms = ["ES256"]']
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{field} = {json.dumps(value)}" for field, value in table.items()]
    return "\n".join(lines) + "\n"


async def migrated(place: Deployment) -> None:
    """Bring both databases to this version."""
    await asyncio.to_thread(migrate, place.settings.keys.database, KEYSTORE)
    await asyncio.to_thread(migrate, place.settings.database.url, WEB)


async def register(place: Deployment, client_id: str = CLIENT_ID, **changes: Any) -> None:
    """Register a client with private_key_jwt and the key KEY, unless ``changes`` say otherwise."""
    wish = Client(
        client_id=client_id,
        issuer=place.issuer,
        profile="oidc",
        names={"": client_id},
        redirect_uris=(CALLBACK,),
        token_endpoint_auth_method="private_key_jwt",
        sector="",
        jwks=JWKS,
        grant_types=("authorization_code", "refresh_token"),
        scope=SCOPE,
    )
    async with place.world() as world:
        await registrar(world).add(replace(wish, **changes), "", world.clock.now())


async def import_residents(place: Deployment, count: int = 1, **more: Any) -> list[str]:
    """Import ``count`` residents, each with PIN as their PIN; return their national numbers.

    ``more`` are further fields of each row.
    """
    names = [f"{7_000_000_000 + index}" for index in range(count)]
    file = place.directory / "residents.jsonl"
    rows = [{"national_id": name, "name": f"Ada {name}", "pin": PIN} | more for name in names]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with place.world() as world:
        assert isinstance(world.residents, EmbeddedResidents)
        hashing = PinHashing.argon2id(memory=8, rounds=1, threads=1)
        importer = Importer.into(world.residents, hashing, world.clock)
        progress = await importer.run(Order.of(file), lambda _: None)
    assert progress.tally.rejected == 0, progress.tally
    return names


async def codes(
    database: OpenDatabase, issuer: str, count: int, client_id: str = CLIENT_ID, **changes: Any
) -> list[str]:
    """Put ``count`` codes into the database as logins that ended well do; return them."""
    entropy, now = SystemEntropy(), SystemClock().now()
    made = [entropy.token() for _ in range(count)]
    authorization = Authorization(
        grant_id="",
        issuer=issuer,
        client_id=client_id,
        resident_id=SOMEBODY,
        subject="a-pairwise-subject",
        scope=("openid",),
        claims=NOTHING,
        granted_claims=frozenset(),
        claims_locales=(),
        session_id="session",
        auth_time=now - 5,
        acr=PIN_LEVEL,
        amr=("pin",),
        nonce=None,
        auth_time_asked=False,
    )
    writes = [
        Codes(database).insert(
            IssuedCode(
                digest=digest_of(code),
                authorization=replace(authorization, **{"grant_id": entropy.token(16)} | changes),
                redirect_uri=CALLBACK,
                code_challenge=CHALLENGE,
                expires_at=now + 600,
            )
        )
        for code in made
    ]
    await database.submit(_somebody(now), *writes)
    return made


def _somebody(now: int) -> Write:
    """Return the write of a person of whom nothing is known but that they are active."""
    row = dict.fromkeys(("wrapped_key", "imported"), b"") | {"id": SOMEBODY, "state": "active"}
    row |= {"locked": "", "reachable": 0, "created_at": now, "changed_at": now}
    return Write(_NEW_RESIDENT, row, rows=None)


def assertion(issuer: str, client_id: str = CLIENT_ID, **claims: Any) -> str:
    """Return an assertion of the client; a claim given as None is left out."""
    now = SystemClock().now()
    body = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": SystemEntropy().token(16),
        "iat": now,
        "exp": now + 60,
    } | claims
    kept = {name: value for name, value in body.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "rp-1"}, kept, KEY)


async def exchange(
    http: httpx2.AsyncClient, issuer: str, proof: str = "", **form: str
) -> httpx2.Response:
    """Ask the token endpoint, proving the client with ``proof`` or a fresh assertion."""
    fields = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": proof or assertion(issuer),
    }
    return await http.post("/token", data=fields | form)


async def redeem(
    http: httpx2.AsyncClient, issuer: str, code: str, proof: str = ""
) -> httpx2.Response:
    """Exchange ``code`` as the client should."""
    return await exchange(
        http,
        issuer,
        proof,
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )


def authorize(issuer: str, client_id: str = CLIENT_ID, **changes: str) -> str:
    """Return the address of a login with a PIN."""
    asked = {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile",
        "acr_values": PIN_LEVEL,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s",
    } | changes
    return f"{issuer}/authorize?{urlencode(asked)}"


async def log_in(place: Deployment, national_id: str, spot: Spot | None = None) -> str:
    """Walk a login with a PIN in a fresh browser at one web server; return the code."""
    async with place.http(spot) as http:
        browser = Browser(Under(http, place.issuer), stop_at=(CALLBACK,))  # type: ignore[arg-type]
        page = await browser.open(authorize(place.issuer))
        for name, answer in (("individual_id", national_id), ("pin", PIN)):
            form = page.form(name)
            page = await browser.submit(page, form, decision="continue", **{name: answer})
        if browser.stopped_at is None:
            await browser.submit(page, page.form("decision"), decision="accept")
        assert browser.stopped_at is not None
        return httpx2.URL(browser.stopped_at).params["code"]


@dataclass(frozen=True, slots=True)
class Under:
    """Sends what is meant for the issuer's address to the web server that ``http`` reaches."""

    http: httpx2.AsyncClient
    issuer: str

    async def request(self, method: str, url: str, **more: Any) -> httpx2.Response:
        return await self.http.request(method, url.removeprefix(self.issuer), **more)


def claims_of(token: str) -> dict[str, Any]:
    """Return what a JWT says, unverified."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def all_of(asked: Sequence[Any]) -> list[Any]:
    """Return the outcome of each coroutine, an exception where it failed."""
    return list(await asyncio.gather(*asked, return_exceptions=True))
