"""Factors for tests on the real ID store, keys, outbox and limits."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.runtime.database.unit import Database, Row, Statement, Value, Write
from config.runtime.entropy import SystemEntropy
from config.runtime.limits import MemoryLimits
from config.runtime.outbox import DatabaseOutbox, Message, outbox
from config.settings import Factors, Limits, Pin
from idp.channels.channel import Channel, Letter, unseal
from idp.channels.inbox import reach
from idp.factors.factor import Attempt, Factor
from idp.factors.parts import Parts
from idp.residents.embedded import EmbeddedResidents
from idp.residents.port import Resident
from idp.stores import factor_tables
from keystore.door import Door
from keystore.purposes import Role
from tests.keyrings import Keys, only, software_backend
from tests.residents import NOW, CountingDoor, id_store, import_rows

AMINA = {
    "national_id": "4821009637",
    "name": "Amina Odhiambo",
    "phone_number": "07700900123",
    "email": "amina@example.org",
    "pin": "271828",
    "totp": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
}
BARAKA = {**AMINA, "national_id": "5930117482", "phone_number": "07700900456", "email": "b@b.org"}
CHARITY = {
    **AMINA,
    "national_id": "6041228593",
    "phone_number": "07700900789",
    "email": "c@c.org",
    "locked_factors": ["otp", "pin", "totp"],
}
SEED = b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef"
FAST = Factors(pin=Pin(memory=8, rounds=1))
GENEROUS = Limits(
    **dict.fromkeys(Limits.__struct_fields__, "1000000/3600"),
)
_QUEUED = Statement(select(outbox).order_by(outbox.c.number))
_UNSENT = Statement(select(factor_tables.unsent))


@dataclass(slots=True)
class CountingDatabase:
    """Passes everything on and counts the calls, and the writes in each."""

    database: Database
    asked: list[str] = field(default_factory=list)

    async def submit(self, *writes: Write) -> None:
        self.asked.append(f"submit {len(writes)}")
        await self.database.submit(*writes)

    async def take(self, write: Write) -> list[Row]:
        self.asked.append("take")
        return await self.database.take(write)

    async def load(self, batches: Any) -> None:
        await self.database.load(batches)

    async def rows(self, statement: Statement, **values: Value) -> list[Row]:
        self.asked.append("read")
        return await self.database.rows(statement, **values)

    async def row(self, statement: Statement, **values: Value) -> Row | None:
        self.asked.append("read")
        return await self.database.row(statement, **values)


@dataclass(slots=True, kw_only=True)
class World:
    """Three residents, and everything that a factor is built from."""

    database: CountingDatabase
    keys: Keys
    worker: Door
    door: CountingDoor
    residents: EmbeddedResidents
    limits: MemoryLimits
    parts: Parts
    amina: Resident
    baraka: Resident
    charity: Resident

    def attempt(self, resident: Resident | None, login: str = "login-1", **more: Any) -> Attempt:
        """Return an attempt in ``login`` from a network of its own."""
        values: dict[str, Any] = {
            "login_id": login,
            "login_ends_at": NOW + 1800,
            "issuer": "https://id.example",
            "client_id": "clinic",
            "client_name": "Clinic",
            "resident": resident,
            "address": "198.51.100.7",
            "locale": "en",
        }
        return Attempt(**{**values, **more})

    async def letters(self) -> list[Letter]:
        """Return what is in the outbox, as the worker reads it."""
        return [await unseal(self.worker, message) for message in await self.messages()]

    async def messages(self) -> list[Message]:
        names = ("id", "kind", "key", "body", "at", "expires_at")
        rows = await self.database.database.rows(_QUEUED)
        return [Message(**{name: row[name] for name in names}) for row in rows]

    async def unsent(self) -> int:
        return len(await self.database.database.rows(_UNSENT))

    def factor(self, module: Any, **changes: Any) -> Factor:
        return module.build(replace(self.parts, **changes))  # type: ignore[no-any-return]


@asynccontextmanager
async def world(database: Database, directory: Path) -> AsyncIterator[World]:
    """Make the world in ``directory``."""
    backend = software_backend(directory)
    keys = only(backend)
    await keys.administration.ensure({})
    files = directory / "files"
    files.mkdir()
    rows = [json.dumps(row).encode() for row in (AMINA, BARAKA, CHARITY)]
    await import_rows(database, keys.door(), files, rows)
    counting, door = CountingDatabase(database), CountingDoor(keys.door(), [])
    residents = id_store(counting, door)
    found = [await residents.find(str(r["national_id"]), NOW) for r in (AMINA, BARAKA, CHARITY)]
    amina, baraka, charity = (one for one in found if one is not None)
    limits = MemoryLimits()
    parts = Parts(
        residents=residents,
        database=counting,
        door=door,
        outbox=DatabaseOutbox(),
        entropy=SystemEntropy(),
        limits=limits,
        limits_secret=b"0123456789abcdef",
        rates=GENEROUS,
        channels=(Channel("inbox", reach),),
        settings=FAST,
    )
    yield World(
        database=counting,
        keys=keys,
        worker=keys.door(Role.WORKER),
        door=door,
        residents=residents,
        limits=limits,
        parts=parts,
        amina=amina,
        baraka=baraka,
        charity=charity,
    )
    await backend.close()


def rates(**changed: str) -> Limits:
    """Return limits that nobody meets, but for those that are named."""
    values = {name: getattr(GENEROUS, name) for name in Limits.__struct_fields__}
    return Limits(**{**values, **changed})
