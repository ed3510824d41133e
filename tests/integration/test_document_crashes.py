"""A key service killed at any moment of signing: no signature off the record, none twice."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from config.runtime.audit.records import entries
from config.runtime.database.connect import open_database
from config.runtime.database.unit import Statement
from keystore.door import KeyServiceUnavailable
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.signing.door import NotActivated, Signed, SigningOrder
from keystore.signing.plans import CmsPlan
from keystore.stores.tables import key_version
from tests import servers
from tests.signing_house import SHA256, approval

SCRIPT = Path(__file__).with_name("key_service_process.py")
DIGESTS = tuple(number.to_bytes(32, "big") for number in range(40))
KILLS = 12


async def started(directory: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(directory), "documents"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
    return process


def killed(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate(timeout=20)


def order(token: str) -> SigningOrder:
    plans = [CmsPlan(place) for place in range(len(DIGESTS))]
    return SigningOrder(
        activation=token, hash_algorithm=SHA256, digests=DIGESTS, plans=plans, one_key=False
    )


async def records(directory: Path) -> list[str]:
    database = await open_database(f"sqlite:///{directory / 'keys.db'}")
    asked = select(entries.c.about).where(entries.c.action == "document.signed")
    rows = await database.rows(Statement(asked))
    await database.close()
    return [str(row[0]) for row in rows]


async def outcome(signing: "asyncio.Task[list[Signed]]") -> int:
    try:
        return len(await signing)
    except (KeyServiceUnavailable, NotActivated):
        return 0


@pytest.mark.server
async def test_a_kill_at_any_moment_leaves_the_record_and_the_activation_together() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory, seen, honest = Path(name), 0, 0.0
        servers.create_tables(f"sqlite:///{directory / 'keys.db'}", key_version.metadata)
        process = await started(directory)
        idp, esignet = (
            DocumentClient(socket_path(directory, role), 20) for role in (Role.IDP, Role.ESIGNET)
        )
        try:
            for cycle in range(KILLS):
                token = await idp.activate(approval(*DIGESTS))
                began = time.monotonic()
                signing = asyncio.create_task(esignet.sign_documents(order(token)))
                if cycle:  # the first shows how long it takes
                    await asyncio.wait([signing], timeout=honest * cycle / (KILLS - 1))
                else:
                    await asyncio.wait([signing])
                    honest = time.monotonic() - began
                killed(process)
                first = await outcome(signing)
                process = await started(directory)
                stands = len(await records(directory)) - seen
                assert stands in (0, len(DIGESTS)), "all records of an approval, or none"
                assert first <= stands, "no signature without its record"
                again = await outcome(asyncio.create_task(esignet.sign_documents(order(token))))
                assert again in ((first or 0, len(DIGESTS)) if stands else (len(DIGESTS),))
                seen += len(DIGESTS)
            kept = await records(directory)
            assert len(kept) == len(set(kept)) == KILLS * len(DIGESTS), "none twice"
        finally:
            await asyncio.gather(idp.close(), esignet.close())
            killed(process)
