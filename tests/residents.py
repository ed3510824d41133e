"""Residents for tests: real keys in software, a clock moved by hand, an ID store on a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import idp.residents
from config.runtime.database.unit import Database
from config.runtime.entropy import SystemEntropy
from idp.residents.embedded import EmbeddedResidents
from idp.residents.importing import Importer, Order, Progress
from idp.residents.normalising import Numbering
from idp.residents.pins import PinHashing
from keystore.administration import KeyAdministration, Policies
from keystore.backends.backend import Algorithm
from keystore.backends.keyfile import KeyFile
from keystore.backends.registry import Backends
from keystore.backends.software import SoftwareBackend
from keystore.batches import Batches
from keystore.door import Door, Mac, MacPurpose, SealPurpose
from keystore.keyring import KeyRing
from keystore.purposes import Role
from keystore.rings import mac_ring
from keystore.rotation import Policy
from keystore.stores.memory import MemoryKeyRecords

NOW = 1_800_000_000
SAMPLES = Path(idp.residents.__file__).with_name("samples.jsonl")
NUMBERING = Numbering(country_code="44")
FAST_PIN = PinHashing.argon2id(memory=8, rounds=1, threads=2)
POLICY = Policy(publish_for=0, active_for=1 << 40, keep_for=None)


class StillClock:
    """A clock that is moved by hand."""

    def __init__(self, now: int = NOW) -> None:
        self.time = now

    def now(self) -> int:
        return self.time

    def elapsed(self) -> float:
        return float(self.time)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys in software, in this process."""

    door: Door
    administration: KeyAdministration
    backend: SoftwareBackend

    async def rotate_lookup(self) -> None:
        """Begin a new version of the key of look-ups; the old one still reads."""
        ring = mac_ring(MacPurpose.LOOKUP)
        await self.administration.rotate(ring, Algorithm.HMAC, emergency=True)


async def software_keys(directory: Path, role: Role = Role.IDP) -> Keys:
    """Make (or find again) the keys of a deployment in ``directory``."""
    file = KeyFile(
        directory / "keys.enc", b"a secret of thirty-two bytes !!!", SystemEntropy(), (1, 64, 1)
    )
    backend = SoftwareBackend(file, SystemEntropy(), allowed=True)
    backends = Backends.only(backend)
    records, clock = MemoryKeyRecords(), StillClock()
    ring = KeyRing(records, Batches(backends), clock)
    secrets = {mac_ring(purpose): POLICY for purpose in MacPurpose}
    administration = KeyAdministration(ring, records, backends, Policies(POLICY, secrets), clock)
    await administration.ensure({})
    return Keys(ring.door(role), administration, backend)


@dataclass(slots=True)
class CountingDoor(Door):
    """Passes everything on and notes what was asked."""

    door: Door
    asked: list[str]

    async def sign(self, issuer, orders):  # type: ignore[no-untyped-def]
        self.asked.append("sign")
        return await self.door.sign(issuer, orders)

    async def published(self, issuer):  # type: ignore[no-untyped-def]
        return await self.door.published(issuer)

    async def macs(self, purpose: MacPurpose, messages: Sequence[bytes]) -> list[tuple[Mac, ...]]:
        self.asked.append(f"mac {purpose} {len(messages)}")
        return await self.door.macs(purpose, messages)

    async def seal(self, purpose: SealPurpose, plaintext: bytes, bound_to: bytes) -> bytes:
        self.asked.append(f"seal {purpose}")
        return await self.door.seal(purpose, plaintext, bound_to)

    async def open(self, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        self.asked.append(f"open {purpose} {len(sealed)}")
        return await self.door.open(purpose, sealed, bound_to)


def id_store(database: Database, door: Door) -> EmbeddedResidents:
    """Return the embedded ID store, of a country whose telephones begin with +44."""
    return EmbeddedResidents.build(database, door, SystemEntropy(), NUMBERING)


def importer(database: Database, door: Door, clock: StillClock | None = None) -> Importer:
    """Return an importer with PIN hashes that cost nothing."""
    return Importer.into(id_store(database, door), FAST_PIN, clock or StillClock())


async def import_file(database: Database, door: Door, file: Path) -> Progress:
    """Import ``file``."""
    return await importer(database, door).run(Order.of(file), lambda _: None)


async def import_rows(
    database: Database, door: Door, directory: Path, rows: Sequence[bytes]
) -> Progress:
    """Import rows of JSON."""
    file = directory / f"rows-{len(list(directory.iterdir()))}.jsonl"
    file.write_bytes(b"\n".join(rows) + b"\n")
    return await import_file(database, door, file)
