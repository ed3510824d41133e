"""Stored signature requests: each move happens once, and what ended cannot be read."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from esignet.protocol.signature_request import SignatureRequest, State
from esignet.stores.requests import SealedDocuments, SignatureRequests
from keystore.signing.digests import HashAlgorithm

NOW = 1_800_000_000
REQUEST = SignatureRequest(
    id="r1",
    client_id="office",
    state=State.OPEN,
    format="pades",
    level="B-LT",
    algorithm=HashAlgorithm.SHA384,
    digests=(b"a" * 48, b"b" * 48),
    created_at=NOW,
    expires_at=NOW + 3600,
)
SEALED = SealedDocuments(b"key", b"content")


async def test_a_request_is_found_by_its_client_alone(database: OpenDatabase) -> None:
    store = SignatureRequests(database)
    await database.submit(store.added(REQUEST, SEALED))
    assert await store.find("r1", "office") == REQUEST
    assert await store.find("r1", "another") is None
    assert await store.find("r2", "office") is None
    assert await store.sealed("r1") == SEALED
    with pytest.raises(Refused):
        await database.submit(store.added(REQUEST, SEALED))


async def test_one_of_many_signs(database: OpenDatabase) -> None:
    store = SignatureRequests(database)
    await database.submit(store.added(REQUEST, SEALED))

    async def move() -> bool:
        try:
            await database.submit(store.moved(REQUEST, REQUEST.signed(NOW)))
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(move() for _ in range(8)))) == 1
    with pytest.raises(Refused):
        await database.submit(store.ended(REQUEST, REQUEST.cancelled(NOW)))
    found = await store.find("r1", "office")
    assert found == REQUEST.signed(NOW)
    await database.submit(store.moved(found, found.reopened()))
    assert (await store.find("r1", "office"), await store.sealed("r1")) == (REQUEST, SEALED)


async def test_documents_are_gone_when_a_request_ends(database: OpenDatabase) -> None:
    store, other = SignatureRequests(database), replace(REQUEST, id="r2")
    await database.submit(store.added(REQUEST, SEALED), store.added(other, SEALED))
    await database.submit(store.ended(REQUEST, REQUEST.cancelled(NOW)))
    assert await store.sealed("r1") is None
    assert await store.sealed("r2") == SEALED
    await database.submit(store.moved(other, other.signed(NOW)))
    await database.submit(store.ended(other.signed(NOW), other.signed(NOW)))
    assert await store.sealed("r2") is None


async def test_what_expired_is_forgotten(database: OpenDatabase) -> None:
    store, later = SignatureRequests(database), replace(REQUEST, id="r2", expires_at=NOW + 7200)
    await database.submit(store.added(REQUEST, SEALED), store.added(later, SEALED))
    await database.submit(store.prune(NOW + 3599, 10))
    assert await store.sealed("r1") == SEALED
    await database.submit(store.prune(NOW + 3600, 10))
    assert await store.find("r1", "office") is None
    assert await store.find("r2", "office") == later
