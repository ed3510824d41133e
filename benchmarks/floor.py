"""The floor: what no provider on this machine and in this language can go below, in the same run.

One ES256 signature verified, one made, one durable write through our database, one exchange with
a bare uvicorn. All but the exchange are microseconds of CPU of this process.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.clients import SecretClient
from benchmarks.ours import ROOT, free_port
from benchmarks.processes import Child, pinned
from benchmarks.targets import Clients, Paths, Target
from config.runtime.database.connect import open_database
from config.runtime.entropy import SystemEntropy
from config.wiring.migrations import WEB, migrate
from idp.stores.used import Used

SIDE_BY_SIDE = 16
"""Writes that wait for the disk together, as they do under load."""

HELLO = "benchmarks.hello"


def signatures(seconds: float, core: int) -> dict[str, float]:
    """Return the microseconds of one ES256 signature verified and of one made."""
    key, message = ec.generate_private_key(ec.SECP256R1()), b"a message of some length " * 10
    algorithm = ec.ECDSA(hashes.SHA256())
    signature, public = key.sign(message, algorithm), key.public_key()
    with pinned(core):
        return {
            "verify": _cost(seconds, lambda: public.verify(signature, message, algorithm)),
            "sign": _cost(seconds, lambda: key.sign(message, algorithm)),
        }


async def durable_write(url: str, seconds: float, core: int) -> float:
    """Return the CPU microseconds of one durable write among others, through our database."""
    await asyncio.to_thread(migrate, url, WEB)
    database, used, entropy = await open_database(url), Used(), SystemEntropy()
    expiry = 2_000_000_000

    async def write() -> None:
        await database.submit(used.once("benchmark", "floor", entropy.token(), expiry, expiry))

    try:
        with pinned(core):
            return await _cost_together(seconds, write)
    finally:
        await database.close()


@contextmanager
def exchange(log: Path, core: int) -> Iterator[Target]:
    """Run an application that does nothing, under the uvicorn that we use, until the block ends."""
    port = free_port()
    environment = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    child = Child.start((sys.executable, "-m", HELLO, str(port)), environment, log, core)
    try:
        child.until(lambda: "running" in child.log.read_text())
        yield Target(
            name="bare uvicorn",
            port=port,
            issuer="",
            paths=Paths(jwks="/"),
            processes={"web": child.process.pid},
            databases={},
            clients=Clients.of("", "", SecretClient("nobody", "")),
            names=(),
        )
    finally:
        child.stop()


def _cost(seconds: float, act: Callable[[], object]) -> float:
    count, begun, until = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        for _ in range(50):
            act()
        count += 50
    return (time.process_time() - begun) / count * 1e6


async def _cost_together(seconds: float, act: Callable[[], Awaitable[None]]) -> float:
    until, count = time.perf_counter() + seconds, 0

    async def again() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await act()
            count += 1

    begun = time.process_time()
    await asyncio.gather(*(again() for _ in range(SIDE_BY_SIDE)))
    return (time.process_time() - begun) / count * 1e6
