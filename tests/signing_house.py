"""A key service that signs documents, over real sockets, with a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.settings import Lifetimes
from config.settings.esignet import Esignet
from config.wiring.documents import DocumentGround, document_desk
from config.wiring.keys import policies
from keystore.backends.backend import Backend
from keystore.purposes import Role
from keystore.service.document_client import DocumentClient
from keystore.service.run import socket_path
from keystore.signing.digests import HashAlgorithm, list_hash
from keystore.signing.door import (
    ActivationKind,
    Approval,
    CertificateSubject,
)
from keystore.stores.database import DatabaseKeyRecords
from tests.keyrings import ISSUER, Keys, key_service, only, serving

SETTINGS = Esignet(address="https://sign.example", country="UT", organization="Utopia Trust")
STORING = msgspec.structs.replace(SETTINGS, stored_keys=True, sign_hash=True)
"""People may have long-term keys, which sign hashes too."""
HOLDER = CertificateSubject(serial="p-7Hq2", country="UT", pseudonym="quiet-otter")
SHA256 = HashAlgorithm.SHA256


def approval(*digests: bytes, **changes: object) -> Approval:
    """What idp says that Ana approved."""
    usual = Approval(
        kind=ActivationKind.PERSON,
        transaction="t-1",
        subject="ana-at-esignet",
        client_id="office",
        holder=HOLDER,
        hash_algorithm=SHA256,
        count=len(digests),
        digests=list_hash(SHA256, digests),
        acr="level2",
        amr=("otp", "pin"),
        auth_time=int(SystemClock().now()) - 10,
        consent=bytes(32),
    )
    return msgspec.structs.replace(usual, **changes)


@dataclass(frozen=True)
class SigningHouse:
    """The sockets of idp and of esignet, and what stands behind them."""

    keys: Keys
    sockets: Path
    database: OpenDatabase
    idp: DocumentClient
    esignet: DocumentClient


@asynccontextmanager
async def signing_house(
    backend: Backend | Keys, database: OpenDatabase, sockets: Path, settings: Esignet = SETTINGS
) -> AsyncIterator[SigningHouse]:
    """Serve until the block ends, on these keys or on new ones in the backend."""
    keys = backend if isinstance(backend, Keys) else only(backend)
    if settings.root_key == "elsewhere":  # then a ceremony is held beside, on the same database
        records = DatabaseKeyRecords(database, SystemEntropy())
        keys = replace(keys, policies=policies(Lifetimes(), settings), records=records)
    service = key_service(keys, sockets, {ISSUER: ["ES256"]})
    ground = DocumentGround(
        database=database, backends=keys.backends, clock=SystemClock(), entropy=SystemEntropy()
    )
    desk = document_desk(settings, ground)
    service = replace(service, clock=SystemClock(), documents=desk)
    async with serving(service):
        clients = [DocumentClient(socket_path(sockets, role)) for role in (Role.IDP, Role.ESIGNET)]
        try:
            yield SigningHouse(keys, sockets, database, *clients)
        finally:
            await asyncio.gather(*(client.close() for client in clients))
