"""Time-stamps, statuses and certificates per second of one processor, beside the raw key.

Run ``python -m benchmarks.authority``. Keys lie in software, the database is SQLite; sockets and
HTTP are counted by other benchmarks.
"""

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder

from config.runtime.database.connect import open_database
from config.wiring.migrations import KEYSTORE, migrate
from keystore.authority.profiles import Kind
from keystore.purposes import OwnRing
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Imprint
from tests.authorities import ANA, AuthorityWorld, new_spki

BATCH = 50
ROUNDS = 200
RUNS = 3


async def per_cpu_second(once: Callable[[], Awaitable[object]], made: int) -> float:
    """Return how many are made per second of processor, in the best of RUNS."""
    best = 0.0
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(ROUNDS):
            await once()
        best = max(best, made * ROUNDS / (time.process_time() - begun))
    return best


async def figures(world: AuthorityWorld) -> dict[str, float]:
    """Return the figure of each kind of work."""
    now, spki = world.clock.now(), new_spki()
    certificate = (await world.signer()).public_bytes(Encoding.DER)
    digest = hashlib.sha256(b"content").digest()
    imprints = [Imprint(HashAlgorithm.SHA256, digest)] * BATCH
    query = TimestampRequestBuilder().data(b"content").build().as_bytes()

    async def certified() -> bytes:
        draft = world.authority.draft(spki, ANA, Kind.ONE_TIME, now)
        return await world.authority.sign(draft)

    works: dict[str, tuple[Callable[[], Awaitable[object]], int]] = {
        "raw key": (lambda: world.keys.ring.sign_own(OwnRing.STAMPING, [digest]), 1),
        f"time-stamp tokens, {BATCH} at once": (lambda: world.stamping.tokens(imprints), BATCH),
        "time-stamp responses": (lambda: world.stamping.respond(query), 1),
        "statuses": (lambda: world.responder.statuses([certificate], now), 1),
        "one-time certificates": (certified, 1),
    }
    return {name: await per_cpu_second(*work) for name, work in works.items()}


async def main() -> None:
    """Measure on throwaway keys and print."""
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{place}/keys.db"
        await asyncio.to_thread(migrate, url, KEYSTORE)
        database = await open_database(url)
        world = await AuthorityWorld.opened(database, Path(place), int(time.time()))
        for name, figure in (await figures(world)).items():
            sys.stdout.write(f"{name:34} {figure:9,.0f}\n")
        await world.keys.backends.close()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
