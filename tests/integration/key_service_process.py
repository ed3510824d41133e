"""A key service in a process of its own, for tests that kill it.

``python key_service_process.py DIR [documents]``: keys, database and sockets lie in DIR; a line
``ready`` is written when every socket listens. With ``documents`` it signs documents.
"""

import asyncio
import os
import sys
from pathlib import Path

from config.runtime.clock import SystemClock
from config.runtime.database.connect import open_database
from config.runtime.entropy import SystemEntropy
from config.wiring.documents import DocumentGround, document_desk
from keystore.backends.registry import Backends
from keystore.purposes import Role
from keystore.service.run import KeyService, run
from keystore.service.server import Access
from keystore.stores.database import DatabaseKeyRecords
from tests.keyrings import ISSUER, POLICIES, software_backend
from tests.signing_house import SETTINGS


async def serve(directory: Path, documents: bool) -> None:
    database = await open_database(f"sqlite:///{directory / 'keys.db'}")
    backends = Backends.only(software_backend(directory))
    ground = DocumentGround(
        database=database, backends=backends, clock=SystemClock(), entropy=SystemEntropy()
    )
    service = KeyService(
        records=DatabaseKeyRecords(database, SystemEntropy()),
        backends=backends,
        policies=POLICIES,
        clock=SystemClock(),
        issuers={ISSUER: ["ES256"]},
        sockets=directory,
        access=dict.fromkeys(Role, Access(uids=frozenset([os.getuid()]))),
        documents=document_desk(SETTINGS, ground) if documents else None,
    )
    await run(service, lambda: print("ready", flush=True))
    await database.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), "documents" in sys.argv[2:]))
