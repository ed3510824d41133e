"""Key rings for tests: every part is the real one, on software keys in a directory of one's own."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.runtime.entropy import SystemEntropy
from keystore.administration import KeyAdministration, Policies
from keystore.backends.backend import Backend
from keystore.backends.keyfile import KeyFile
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.batches import Batches
from keystore.door import Door
from keystore.keyring import KeyRing
from keystore.purposes import Role
from keystore.rotation import Policy
from keystore.service.run import KeyService
from keystore.service.server import Access
from keystore.stores.interfaces import KeyRecords
from keystore.stores.memory import MemoryKeyRecords

ISSUER = "https://id.example"
OTHER_ISSUER = "https://fapi.example"
TOKENS = Policy(publish_for=600, active_for=90 * 86400, keep_for=3600)
POLICIES = Policies(tokens=TOKENS, secrets={})


@dataclass(slots=True)
class HandClock:
    """A clock that the test moves."""

    at: int = 1_800_000_000

    def now(self) -> int:
        return self.at

    def elapsed(self) -> float:
        return float(self.at)


@dataclass(frozen=True, slots=True)
class Keys:
    """A key ring in this process and everything that it stands on."""

    backends: Backends
    records: KeyRecords = field(default_factory=MemoryKeyRecords)
    clock: HandClock = field(default_factory=HandClock)
    policies: Policies = POLICIES
    ring: KeyRing = field(init=False)
    administration: KeyAdministration = field(init=False)

    def __post_init__(self) -> None:
        ring = KeyRing(self.records, Batches(self.backends), self.clock)
        administration = KeyAdministration(
            ring, self.records, self.backends, self.policies, self.clock
        )
        object.__setattr__(self, "ring", ring)
        object.__setattr__(self, "administration", administration)

    def door(self, role: Role = Role.IDP) -> Door:
        return self.ring.door(role)


def software_backend(directory: Path) -> SoftwareBackend:
    """Return a backend on the encrypted file in ``directory``; the same file if called again."""
    secret = b"an operator's secret"
    file = KeyFile(directory / "keys.enc", secret, SystemEntropy(), cost=(1, 64, 1))
    return SoftwareBackend(file, SystemEntropy(), allowed=True)


async def keys_in_process(
    directory: Path, issuers: Mapping[str, Sequence[str]] | None = None
) -> Keys:
    """Return a ring with keys for ``issuers`` (ISSUER in ES256 and EdDSA if none are named)."""
    keys = Keys(Backends.only(software_backend(directory)))
    await keys.administration.ensure(issuers or {ISSUER: ["ES256", "EdDSA"]})
    return keys


def key_service(keys: Keys, directory: Path, issuers: Mapping[str, Sequence[str]]) -> KeyService:
    """Return a service for every role on ``keys``' parts, its sockets in ``directory``."""
    mine = Access(uids=frozenset([os.getuid()]))
    return KeyService(
        records=keys.records,
        backends=keys.backends,
        policies=keys.policies,
        clock=keys.clock,
        issuers=issuers,
        sockets=directory,
        access=dict.fromkeys(Role, mine),
        every=0.2,
    )


def only(backend: Backend) -> Keys:
    """Return a ring on ``backend``, without any key yet."""
    return Keys(Backends.only(backend))


@asynccontextmanager
async def serving(service: KeyService) -> AsyncIterator[None]:
    """Run ``service`` in this event loop for as long as the block lasts."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(service.serve(stop, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    try:
        yield
    finally:
        stop.set()
        await task
