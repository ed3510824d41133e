"""The key service under what happens to services: load, rotation, restarts, kills, strangers."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.unit import DatabaseUnavailable
from keystore.backends.backend import Algorithm
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.door import (
    Door,
    KeyServiceUnavailable,
    KeyState,
    MacPurpose,
    NotPermitted,
    Order,
    PublishedKey,
    SealPurpose,
    TokenKind,
)
from keystore.jose import base64url
from keystore.jose.own import OwnTokens
from keystore.purposes import Role
from keystore.rings import issuer_ring, seal_ring
from keystore.rotation import KeyVersion
from keystore.service import client as client_module
from keystore.service import frames
from keystore.service.client import KeyOperator, KeyServiceClient
from keystore.service.run import socket_path
from keystore.service.server import Access
from keystore.stores.memory import MemoryKeyRecords
from keystore.stores.tables import key_version
from tests import servers
from tests.keyrings import ISSUER, HandClock, Keys, key_service, only, serving, software_backend
from tests.softhsm import pkcs11_backend, start_softhsm

pytestmark = pytest.mark.long

ISSUERS = {ISSUER: ["ES256"]}
PATIENCE = 20
"""Seconds after which something hangs, on however busy a machine."""
EVERY_KEY = 1 + len(MacPurpose) + len(SealPurpose)
"""One that signs, and one for each purpose of keyed hashes and seals."""

CLAIMS = json.dumps({"iss": ISSUER, "sub": "ada"}).encode()
ORDER = Order(TokenKind.ID_TOKEN, "ES256", CLAIMS)


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:  # the name of a socket has 107 octets at most
        yield Path(made)


@pytest.fixture
def keys(directory: Path) -> Keys:
    return only(software_backend(directory))


@pytest.fixture
async def door(directory: Path) -> AsyncIterator[KeyServiceClient]:
    made = KeyServiceClient(socket_path(directory, Role.IDP), SystemClock())
    yield made
    await made.close()


@pytest.fixture
async def operator(directory: Path) -> AsyncIterator[KeyOperator]:
    made = KeyOperator(socket_path(directory, Role.OPERATOR))
    yield made
    await made.close()


def verify(token: str, shown: Sequence[PublishedKey]) -> None:
    assert OwnTokens().verify(token, TokenKind.ID_TOKEN, shown).claims["sub"] == "ada"


# Rotation


@dataclass(slots=True)
class RelyingParty:
    """Keeps the JWKS as long as it may (600 s) and verifies whatever it gets."""

    door: Door
    clock: HandClock
    shown: list[PublishedKey] = field(default_factory=list)
    fetched: int = -1000
    verified: set[str] = field(default_factory=set)

    async def log_in(self) -> None:
        if self.clock.now() >= self.fetched + 600:
            asked_at = self.clock.now()
            self.shown = await self.door.published(ISSUER)
            self.fetched = asked_at
        (token,) = await self.door.sign(ISSUER, [ORDER])
        verify(token, self.shown)
        self.verified.add(json.loads(_part(token, 0))["kid"])


def _part(token: str, place: int) -> bytes:
    return base64url.decode(token.split(".")[place])


@pytest.mark.parametrize("algorithm", [Algorithm.ES256])
async def test_rotation_under_load_fails_no_verification(
    keys: Keys, directory: Path, operator: KeyOperator, algorithm: Algorithm
) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        doors = [KeyServiceClient(socket_path(directory, Role.IDP), keys.clock) for _ in range(4)]
        parties = [RelyingParty(door, keys.clock) for door in doors for _ in range(2)]
        stop = asyncio.Event()

        async def keep_logging_in(party: RelyingParty) -> int:
            count = 0
            while not stop.is_set():
                await party.log_in()
                count += 1
            return count

        load = [asyncio.create_task(keep_logging_in(party)) for party in parties]
        for _ in range(3):
            fresh = await operator.rotate(issuer_ring(ISSUER), algorithm)
            assert fresh.state is KeyState.PENDING
            for _ in range(16):
                keys.clock.at += 50
                await operator.advance()
                await _some_logins(parties)
        stop.set()
        counts = await asyncio.gather(*load)
        assert min(counts) > 20
        assert {len(party.verified) for party in parties} == {4}, "each key in its turn"
        keys.clock.at += 3600
        await operator.advance()
        assert len(await doors[0].published(ISSUER)) == 1, "what is retired is no longer shown"
        await asyncio.gather(*(door.close() for door in doors))


async def _some_logins(parties: Sequence[RelyingParty]) -> None:
    await asyncio.gather(*(party.log_in() for party in parties for _ in range(3)))


async def test_an_emergency_takes_a_key_out_at_once(
    keys: Keys, directory: Path, door: KeyServiceClient, operator: KeyOperator
) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        before = await door.published(ISSUER)
        (token,) = await door.sign(ISSUER, [ORDER])
        fresh = await operator.rotate(issuer_ring(ISSUER), Algorithm.ES256, emergency=True)
        assert fresh.state is KeyState.ACTIVE
        assert client_module.FRESH >= 5, "or else this test shows nothing"
        (after,) = await door.published(ISSUER)
        assert after.kid == fresh.kid != before[0].kid
        with pytest.raises(Exception, match="no key"):
            verify(token, [after])
        (token,) = await door.sign(ISSUER, [ORDER])
        verify(token, [after])


async def test_a_seal_outlives_the_rotation_of_its_key(
    keys: Keys, directory: Path, door: KeyServiceClient, operator: KeyOperator
) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        sealed = await door.seal(SealPurpose.PERSON, b"wrapped", b"row")
        looked_up = await door.mac(MacPurpose.LOOKUP, b"123")
        await operator.rotate(seal_ring(SealPurpose.PERSON), Algorithm.AES)
        await operator.rotate("mac:lookup", Algorithm.HMAC)
        keys.clock.at += 660
        await operator.advance()
        later = await door.seal(SealPurpose.PERSON, b"wrapped", b"row")
        assert (sealed[:3], later[:3]) == (b"\x01\x00\x01", b"\x01\x00\x02")
        for one in (sealed, later):
            assert await door.open(SealPurpose.PERSON, one, b"row") == b"wrapped"
        with pytest.raises(Exception, match="altered"):
            await door.open(SealPurpose.PERSON, later[:2] + sealed[2:3] + later[3:], b"row")
        newest, older = await door.mac(MacPurpose.LOOKUP, b"123")
        assert (newest.version, older) == (2, looked_up[0])


async def test_only_the_operators_socket_administers(
    keys: Keys, directory: Path, operator: KeyOperator
) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        assert len(await operator.keys()) == EVERY_KEY
        with pytest.raises(NotPermitted):
            await operator.rotate("issuer:https://nobody.example", Algorithm.ES256)
        for role in set(Role) - {Role.OPERATOR}:
            stranger = KeyOperator(socket_path(directory, role))
            with pytest.raises(NotPermitted):
                await stranger.keys()
            with pytest.raises(NotPermitted):
                await stranger.rotate(issuer_ring(ISSUER), Algorithm.ES256, emergency=True)
            with pytest.raises(NotPermitted):
                await stranger.advance()
            await stranger.close()
        assert len(await operator.keys()) == EVERY_KEY


async def test_every_use_is_recorded(
    keys: Keys, directory: Path, door: KeyServiceClient, operator: KeyOperator
) -> None:
    assert isinstance(keys.records, MemoryKeyRecords)
    async with serving(key_service(keys, directory, ISSUERS)):
        for _ in range(7):
            await door.sign(ISSUER, [ORDER, ORDER])
        await operator.rotate(issuer_ring(ISSUER), Algorithm.ES256)
    uses = keys.records.uses
    signed = [use for use in uses if use.purpose == "sign:id_token"]
    assert sum(use.count for use in signed) == 14 and {use.role for use in signed} == {Role.IDP}
    assert any(use.purpose == "administer:rotate:pending" for use in uses)


# Strangers


async def test_another_uid_is_hung_up_on(keys: Keys, directory: Path) -> None:
    service = key_service(keys, directory, ISSUERS)
    strangers = Access(uids=frozenset([os.getuid() + 1]))
    service = replace(service, access={**service.access, Role.ESIGNET: strangers})
    async with serving(service):
        refused = KeyServiceClient(
            socket_path(directory, Role.ESIGNET), SystemClock(), deadline=0.3
        )
        with pytest.raises(KeyServiceUnavailable):
            await refused.published(ISSUER)
        await refused.close()


async def test_sockets_are_private(keys: Keys, directory: Path) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        modes = {path.stat().st_mode & 0o777 for path in directory.glob("*.sock")}
        assert modes == {0o600}
        assert len(list(directory.glob("*.sock*"))) == len(Role)
    assert not list(directory.glob("*.sock*"))


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\0\0\0\2{}", b"\0\0\0\0"]
)
async def test_noise_ends_its_own_connection_only(
    keys: Keys, directory: Path, door: KeyServiceClient, noise: bytes
) -> None:
    async with serving(key_service(keys, directory, ISSUERS)):
        await door.sign(ISSUER, [ORDER])
        path = str(socket_path(directory, Role.IDP))
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(noise)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionResetError):  # if something was still unread
                assert await reader.read() == b""
        writer.close()
        await door.sign(ISSUER, [ORDER])


async def test_who_does_not_read_delays_nobody(keys: Keys, directory: Path) -> None:
    door = KeyServiceClient(socket_path(directory, Role.IDP), SystemClock(), deadline=PATIENCE)
    async with serving(key_service(keys, directory, ISSUERS)):
        deaf = socket.socket(socket.AF_UNIX)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, str(socket_path(directory, Role.IDP)))
        asked = frames.encode(frames.Sign(1, ISSUER, [(TokenKind.ID_TOKEN, "ES256", CLAIMS)]))
        flood = asyncio.create_task(loop.sock_sendall(deaf, asked * 20_000))
        for _ in range(50):
            verify((await door.sign(ISSUER, [ORDER]))[0], await door.published(ISSUER))
        flood.cancel()
        await asyncio.wait([flood])
        deaf.close()
        await door.close()


# Tokens that stall


class Stalled(SoftwareBackend):
    """Software keys on a token that stopped answering."""

    @property
    def scheme(self) -> str:
        return "stalled"

    @property
    def gathers(self) -> bool:
        return True  # as tokens do

    async def sign(self, ref: str, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_stalled_token_answers_an_error_and_stalls_nothing_else(
    keys: Keys, directory: Path, door: KeyServiceClient
) -> None:
    stalled = Stalled(keys.backends.maker._file, keys.backends.maker._entropy, allowed=True)  # type: ignore[attr-defined]
    both = Backends({"software": keys.backends.maker, "stalled": stalled}, keys.backends.maker)
    keys = Keys(both)
    await keys.administration.ensure(ISSUERS)
    made = await stalled.generate(Algorithm.EDDSA, "on the stalled token")
    lost = KeyVersion(
        kid="stalled",
        ring=issuer_ring(ISSUER),
        algorithm=Algorithm.EDDSA,
        version=1,
        ref=made.ref.replace("software:", "stalled:"),
        public=made.public,
        state=KeyState.ACTIVE,
        since=keys.clock.now(),
    )
    await keys.records.change((lost,), ())
    await keys.ring.refresh()
    with pytest.raises(KeyServiceUnavailable):
        async with asyncio.timeout(PATIENCE):
            await keys.door().sign(ISSUER, [Order(TokenKind.ID_TOKEN, "EdDSA", CLAIMS)])
    async with serving(key_service(keys, directory, ISSUERS)):
        waiting = asyncio.create_task(
            door.sign(ISSUER, [Order(TokenKind.ID_TOKEN, "EdDSA", CLAIMS)])
        )
        signed = 0
        while not waiting.done():
            await door.sign(ISSUER, [ORDER])
            signed += 1
        assert signed > 3
        with pytest.raises(KeyServiceUnavailable):
            await waiting


@pytest.mark.server
async def test_a_stopped_hsm_child_answers_an_error_in_time(directory: Path) -> None:
    hsm = pkcs11_backend(start_softhsm(directory / "hsm"))
    keys = Keys(Backends.only(hsm))
    async with serving(key_service(keys, directory, ISSUERS)):
        door = KeyServiceClient(socket_path(directory, Role.IDP), SystemClock())
        verify((await door.sign(ISSUER, [ORDER]))[0], await door.published(ISSUER))
        assert hsm.child is not None
        os.kill(hsm.child, signal.SIGSTOP)
        began = time.monotonic()
        with contextlib.suppress(KeyServiceUnavailable):  # or another child did it in time
            await door.sign(ISSUER, [ORDER])
        assert time.monotonic() - began < PATIENCE
        assert await door.published(ISSUER)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    (token,) = await door.sign(ISSUER, [ORDER])
                    break
                except KeyServiceUnavailable:
                    continue
        verify(token, await door.published(ISSUER))
        await door.close()


# Restarts


async def test_a_database_that_is_down_at_the_start_is_waited_for(
    directory: Path, door: KeyServiceClient
) -> None:
    class Down(MemoryKeyRecords):
        down = True

        async def versions(self) -> list[KeyVersion]:
            if self.down:
                raise DatabaseUnavailable
            return await super().versions()

    records = Down()
    keys = Keys(Backends.only(software_backend(directory)), records)
    async with serving(key_service(keys, directory, ISSUERS)):
        with pytest.raises(KeyServiceUnavailable):
            await door.sign(ISSUER, [ORDER])
        records.down = False
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await door.sign(ISSUER, [ORDER])
                    break
                except (KeyServiceUnavailable, NotPermitted):
                    await asyncio.sleep(0.01)


async def test_without_the_service_public_keys_are_served_and_signing_fails_in_time(
    keys: Keys, directory: Path
) -> None:
    door = KeyServiceClient(socket_path(directory, Role.IDP), keys.clock)
    async with serving(key_service(keys, directory, ISSUERS)):
        shown = await door.published(ISSUER)
    began = time.monotonic()
    with pytest.raises(KeyServiceUnavailable):
        await door.sign(ISSUER, [ORDER])
    assert time.monotonic() - began < PATIENCE
    keys.clock.at += 3600  # far beyond what is taken from memory without asking
    assert await door.published(ISSUER) == shown
    again = replace(only(software_backend(directory)), records=keys.records)
    async with serving(key_service(again, directory, ISSUERS)):
        verify((await door.sign(ISSUER, [ORDER]))[0], shown)
    await door.close()


class Process:
    """The service in a process of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._script = str(Path(__file__).with_name("key_service_process.py"))
        self._started: list[subprocess.Popen[bytes]] = []

    async def ready(self) -> subprocess.Popen[bytes]:
        """Start one and return it when its sockets listen."""
        process = subprocess.Popen(
            [sys.executable, self._script, str(self._directory)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self._started.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
        return process

    def kill(self) -> None:
        """End all that were started."""
        for process in self._started:
            end(process, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], number: int) -> int:
    process.send_signal(number)
    process.communicate(timeout=20)
    return process.returncode


@pytest.fixture
def process(directory: Path) -> Iterator[Process]:
    servers.create_tables(f"sqlite:///{directory / 'keys.db'}", key_version.metadata)
    made = Process(directory)
    yield made
    made.kill()


async def under_load(door: KeyServiceClient, stop: asyncio.Event) -> int:
    """Sign, seal and open until ``stop``; every request must succeed."""
    count = 0
    while not stop.is_set():
        (token,) = await door.sign(ISSUER, [ORDER])
        verify(token, await door.published(ISSUER))
        sealed = await door.seal(SealPurpose.PERSON, b"text", b"row")
        assert await door.open(SealPurpose.PERSON, sealed, b"row") == b"text"
        count += 1
    return count


async def test_a_killed_service_loses_no_request_that_can_be_repeated(
    directory: Path, process: Process
) -> None:
    running = await process.ready()
    door = KeyServiceClient(socket_path(directory, Role.IDP), SystemClock(), deadline=20)
    stop = asyncio.Event()
    load = [asyncio.create_task(under_load(door, stop)) for _ in range(16)]
    for _ in range(3):
        await door.sign(ISSUER, [ORDER])
        assert end(running, signal.SIGKILL) == -signal.SIGKILL
        running = await process.ready()
        await door.sign(ISSUER, [ORDER])
    stop.set()
    assert min(await asyncio.gather(*load)) > 0
    await door.close()
    assert end(running, signal.SIGTERM) == 0


async def test_a_successor_takes_over_without_a_gap(directory: Path, process: Process) -> None:
    """A planned restart: the new service starts first, then the old one is told to stop."""
    running = await process.ready()
    door = KeyServiceClient(socket_path(directory, Role.IDP), SystemClock(), deadline=20)
    stop = asyncio.Event()
    load = [asyncio.create_task(under_load(door, stop)) for _ in range(8)]
    for _ in range(2):
        successor = await process.ready()
        stopping = asyncio.create_task(asyncio.to_thread(end, running, signal.SIGTERM))
        while not stopping.done():
            await door.sign(ISSUER, [ORDER])
        assert await stopping == 0
        running = successor
    stop.set()
    assert min(await asyncio.gather(*load)) > 0
    assert socket_path(directory, Role.IDP).exists(), "the old one leaves the new one's name alone"
    await door.close()
    assert end(running, signal.SIGTERM) == 0
    assert not socket_path(directory, Role.IDP).exists()


def test_nobody_takes_an_image_of_the_process() -> None:
    asked = (
        "import ctypes; from keystore.service.run import undumpable; undumpable();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    made = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
    assert made.stdout.strip() == b"0"
