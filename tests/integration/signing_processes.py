"""A key service and a signing service as processes that die at a point, for tests that kill them.

They are forked from one server that has everything loaded, so that a death costs little.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from config.runtime.cache import Cache
from config.runtime.clock import Clock, SystemClock
from config.runtime.crashpoints import Crash, CrashHere, never
from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Write
from config.runtime.destinations import Rules
from config.runtime.entropy import SystemEntropy
from config.runtime.outbox import DatabaseOutbox
from config.wiring.documents import DocumentGround, document_desk
from config.wiring.esignet_requests import RequestGround, signature_requests
from config.wiring.verifying import every_format
from esignet.evidence.timestamps.own import OwnStamps
from esignet.flows.appearing import Looks
from esignet.flows.documents import Allowance, Uploads
from esignet.flows.history import Noting
from esignet.flows.notices import Webhooks
from esignet.flows.preparing import Preparing
from esignet.flows.requests import Requests
from esignet.flows.resuming import Resuming
from esignet.flows.signing import Signing
from esignet.flows.signing_parts import Made, Part
from esignet.flows.uploaded import Uploaded
from esignet.pdf.pool import PdfPool
from esignet.stores.documents import Documents
from esignet.stores.history import Signatures
from keystore.backends.registry import Backends
from keystore.purposes import Role
from keystore.service.client import KeyServiceClient
from keystore.service.document_client import DocumentClient
from keystore.service.run import KeyService, socket_path
from keystore.service.server import Access
from keystore.signing.door import AuthorityShown, Signed
from keystore.stores.database import DatabaseKeyRecords
from tests.csc import Token
from tests.keyrings import ISSUER, POLICIES, software_backend
from tests.signing_house import SETTINGS

POINTS = ("before_commit", "after_commit")
"""Of every unit, in both processes; ``before_sign`` and so on are the signing service's own."""


@dataclass(slots=True)
class Doom:
    """Where a process dies; nowhere until that is said."""

    crash_here: CrashHere = never


@dataclass(frozen=True, slots=True)
class DoomedDatabase:
    """A database between whose units somebody dies."""

    real: OpenDatabase
    doom: Doom

    async def submit(self, *writes: Write) -> None:
        self.doom.crash_here("before_commit")
        await self.real.submit(*writes)
        self.doom.crash_here("after_commit")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass(frozen=True, slots=True)
class DoomedHand:
    """The hand of a signing service that dies around what it asks of others."""

    real: Signing
    doom: Doom

    async def signed(self, activation: str, parts: Sequence[Part]) -> list[Signed]:
        self.doom.crash_here("before_sign")
        signed = await self.real.signed(activation, parts)
        self.doom.crash_here("after_sign")
        return signed

    async def finished(self, parts: Sequence[Part], signed: Sequence[Signed]) -> list[Made]:
        made = await self.real.finished(parts, signed)
        self.doom.crash_here("after_finish")
        return made


@dataclass(frozen=True, slots=True)
class Service:
    """A signing service in this process."""

    requests: Requests
    resuming: Resuming
    database: OpenDatabase


@asynccontextmanager
async def signing_service(
    directory: Path, clock: Clock, doom: Doom | None = None
) -> AsyncIterator[Service]:
    """Stand on the sockets and the database in ``directory``."""
    doom = doom or Doom()
    real = await open_database(f"sqlite:///{directory / 'web.db'}")
    database: Any = DoomedDatabase(real, doom)
    documents = DocumentClient(socket_path(directory, Role.ESIGNET), 20)
    door = KeyServiceClient(socket_path(directory, Role.ESIGNET), SystemClock())
    shown: Cache[str, AuthorityShown] = Cache(SystemClock(), entries=1, seconds=60)
    signing = Signing(documents=documents, stamps=OwnStamps(documents), pdf=PdfPool(), shown=shown)
    uploads = Uploads(
        store=Documents(database),
        door=door,
        entropy=SystemEntropy(),
        clock=clock,
        allowance=Allowance(largest=1000, quota=1000, lifetime=60),
    )
    ground = RequestGround(
        database=database,
        door=door,
        clock=clock,
        entropy=SystemEntropy(),
        hand=DoomedHand(signing, doom),
        preparing=Preparing(
            formats=every_format(),
            pdf=signing.pdf,
            uploaded=Uploaded(uploads=uploads, pdf=signing.pdf, largest=1000),
            looks=Looks(validation=""),
        ),
        notices=Webhooks(
            outbox=DatabaseOutbox(), entropy=SystemEntropy(), issuer=ISSUER, rules=Rules()
        ),
        notes=Noting(store=Signatures(database), door=door, entropy=SystemEntropy(), lifetime=3600),
        most=10_000,
    )
    requests, resuming = signature_requests(ground)
    try:
        yield Service(requests, resuming, real)
    finally:
        await resuming.signing.drained()
        await asyncio.gather(documents.close(), door.close(), real.close())


async def _keys(directory: Path, told: Connection) -> None:
    doom = Doom()
    database: Any = DoomedDatabase(await open_database(f"sqlite:///{directory / 'keys.db'}"), doom)
    backend = software_backend(directory)
    signed = backend.sign_and_destroy

    async def watched(*arguments: Any) -> list[bytes]:
        doom.crash_here("before_value")
        made = await signed(*arguments)
        doom.crash_here("after_value")
        return made

    setattr(backend, "sign_and_destroy", watched)  # noqa: B010
    backends, clock = Backends.only(backend), SystemClock()
    ground = DocumentGround(
        database=database, backends=backends, clock=clock, entropy=SystemEntropy()
    )
    service = KeyService(
        records=DatabaseKeyRecords(database, SystemEntropy()),
        backends=backends,
        policies=POLICIES,
        clock=clock,
        issuers={ISSUER: ["ES256"]},
        sockets=directory,
        access=dict.fromkeys(Role, Access(uids=frozenset([os.getuid()]))),
        documents=document_desk(SETTINGS, ground),
    )
    loop = asyncio.get_running_loop()

    def doomed() -> None:
        doom.crash_here = Crash(*told.recv())
        told.send("doomed")

    loop.add_reader(told.fileno(), doomed)
    await service.serve(asyncio.Event(), lambda: told.send("ready"))


async def _signs(directory: Path, token: Token, request: str, doomed: tuple[str, int]) -> None:
    doom = Doom()
    clock = SystemClock()
    async with signing_service(directory, clock, doom) as service:
        doom.crash_here = Crash(*doomed)
        await service.requests.sign(request, token, clock.now())


def keys_process(directory: Path, told: Connection) -> None:
    """Serve keys until killed."""
    asyncio.run(_keys(directory, told))


def signs_process(directory: Path, token: Token, request: str, doomed: tuple[str, int]) -> None:
    """Sign a request, and die on the way."""
    asyncio.run(_signs(directory, token, request, doomed))


def context() -> ForkServerContext:
    """Return what forks processes that have all of this loaded."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__])
    return made
