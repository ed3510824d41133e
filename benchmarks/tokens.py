"""One-time keys beside a kept key, on each key backend, and 32 signers on a token that is far away.

Rates are per second of the wall; what matters is their ratio, and by how much the event loop ever
came late.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from keystore.backends.backend import Algorithm, Backend
from keystore.pkcs11.library import FUNCTION_LIST
from tests.keyrings import software_backend
from tests.nss import nss_backend, start_nss
from tests.softhsm import pkcs11_backend, softhsm_module, start_softhsm

SIGNERS = 32
MICROSECONDS_AWAY = 5000
ES256 = Algorithm.ES256


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Signatures per second with one kept key and with one-time keys, and the loop's worst gap."""

    name: str
    kept: float
    one_time: float
    gap_ms: float


async def _measured(name: str, backend: Backend, seconds: float) -> Rates:
    """Have SIGNERS sign side by side, first with one key, then each with a key of its own."""
    ref = (await backend.generate(ES256, "benchmark")).ref

    async def keep() -> None:
        await backend.sign(ref, ES256, [b"text"])

    async def spend() -> None:
        key = await backend.one_time(ES256)
        await backend.sign_and_destroy(key.handle, ES256, [b"text"])

    try:
        kept, first = await _rate(keep, seconds)
        one_time, second = await _rate(spend, seconds)
    finally:
        await backend.close()
    return Rates(name=name, kept=kept, one_time=one_time, gap_ms=max(first, second))


async def _rate(sign: Callable[[], Awaitable[None]], seconds: float) -> tuple[float, float]:
    await asyncio.gather(*(sign() for _ in range(SIGNERS)))
    end, made = time.monotonic() + seconds, 0

    async def signer() -> None:
        nonlocal made
        while time.monotonic() < end:
            await sign()
            made += 1
            await asyncio.sleep(0)  # as between requests: software keys never wait

    watching = asyncio.create_task(_gap(end))
    started = time.monotonic()
    await asyncio.gather(*(signer() for _ in range(SIGNERS)))
    return made / (time.monotonic() - started), await watching


async def _gap(end: float) -> float:
    """Return by how many milliseconds the loop woke up late at worst."""
    worst, wait = 0.0, 0.001
    while (before := time.monotonic()) < end:
        await asyncio.sleep(wait)
        worst = max(worst, time.monotonic() - before - wait)
    return worst * 1000


def far_module(directory: Path) -> str:
    """Compile SoftHSM at a distance and return the module's path. Needs gcc."""
    module = directory / "far.so"
    places = {name: FUNCTION_LIST.index(name) for name in ("C_Sign", "C_GenerateKeyPair")}
    definitions = (
        f'-DREAL="{softhsm_module()}"',
        f"-DSIGN={places['C_Sign']}",
        f"-DGENERATE={places['C_GenerateKeyPair']}",
        f"-DDELAY={MICROSECONDS_AWAY}",
    )
    source = Path(__file__).with_name("slow_module.c")
    command = ("gcc", "-O2", "-shared", "-fPIC", *definitions, "-o", module, source, "-ldl")
    subprocess.run(command, check=True, timeout=60)
    return str(module)


async def measured(directory: Path, seconds: float) -> list[Rates]:
    """Measure every backend; the one that is far away where gcc is there to make it."""
    backends: dict[str, Backend] = {
        "software": software_backend(directory),
        "SoftHSM": pkcs11_backend(start_softhsm(directory / "hsm")),
        "NSS softoken": nss_backend(start_nss(directory / "nss")),
    }
    if shutil.which("gcc"):
        hsm, module = start_softhsm(directory / "far"), far_module(directory)
        far = pkcs11_backend(hsm, module=module, threads=SIGNERS)
        backends[f"SoftHSM, 5 ms away, {SIGNERS} sessions"] = far
    return [await _measured(name, backend, seconds) for name, backend in backends.items()]
