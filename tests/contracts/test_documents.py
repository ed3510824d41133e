"""Stored documents: they grow within a quota, are whole once, belong to one client and request."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused, Statement
from config.settings import Lifetimes
from config.wiring.worker import Cleaner, expiring
from esignet.stores.documents import MOST_CHUNKS, Chunk, Documents, Upload, document_chunk
from esignet.stores.documents import document as documents
from keystore.signing.digests import HashAlgorithm
from tests.residents import StillClock

NOW = 1_800_000_000
DIGESTS = {algorithm: algorithm.of(b"a contract") for algorithm in HashAlgorithm}
UPLOAD = Upload(
    id="d1",
    client_id="office",
    media_type="application/pdf",
    size=0,
    digests={},
    key=b"sealed key",
    request="",
    expires_at=NOW + 600,
)
WHOLE = replace(UPLOAD, size=30, digests=DIGESTS, expires_at=NOW + 3600)


def chunk(number: int, **changes: Any) -> Chunk:
    usual = Chunk(
        document_id="d1",
        number=number,
        content=b"sealed %d" % number,
        more=10,
        until=NOW + 600,
        quota=100,
    )
    return replace(usual, **changes)


async def given(
    store: Documents, *, identifier: str = "d1", chunks: int = 3, until: int = NOW + 3600
) -> None:
    """Have a document of so many chunks here."""
    await store.database.submit(store.begun(replace(UPLOAD, id=identifier)))
    every = [chunk(number, document_id=identifier, quota=10_000) for number in range(chunks)]
    for one in every[:-1]:
        await store.database.submit(*store.grown(one))
    await store.database.submit(*store.ended(replace(every[-1], until=until), DIGESTS))


async def rows(database: OpenDatabase, table: Table) -> int:
    found = await database.row(Statement(select(func.count()).select_from(table)))
    assert found is not None
    return int(found[0])


async def test_a_document_comes_in_chunks_and_is_its_clients_alone(database: OpenDatabase) -> None:
    store = Documents(database)
    await database.submit(store.begun(UPLOAD))
    await database.submit(*store.grown(chunk(0)))
    assert await store.find("d1", "office", NOW) is None, "half of one is none"
    await database.submit(*store.grown(chunk(1)))
    await database.submit(*store.ended(chunk(2, until=NOW + 3600), DIGESTS))
    assert await store.find("d1", "office", NOW) == WHOLE
    assert await store.find("d1", "another", NOW) is None
    assert await store.find("d1", "office", NOW + 3600) is None
    assert [await store.chunk("d1", number) for number in range(4)] == [
        b"sealed 0",
        b"sealed 1",
        b"sealed 2",
        None,
    ]


async def test_what_is_whole_grows_no_more_and_no_chunk_comes_twice(
    database: OpenDatabase,
) -> None:
    store = Documents(database)
    await given(store)
    for late in (store.grown(chunk(3)), store.ended(chunk(3), DIGESTS)):
        with pytest.raises(Refused):
            await database.submit(*late)
    assert await store.chunk("d1", 3) is None
    await database.submit(store.begun(replace(UPLOAD, id="d2")))
    await database.submit(*store.grown(chunk(0, document_id="d2")))
    with pytest.raises(Refused):
        await database.submit(*store.grown(chunk(0, document_id="d2", content=b"other")))
    with pytest.raises(Refused):
        await database.submit(store.begun(replace(UPLOAD, id="d2")))


async def test_a_client_keeps_no_more_than_its_quota(database: OpenDatabase) -> None:
    store = Documents(database)
    await given(store)
    await database.submit(store.begun(replace(UPLOAD, id="d2")))
    await database.submit(store.begun(replace(UPLOAD, id="d3", client_id="another")))
    await database.submit(*store.grown(chunk(0, document_id="d2", quota=40)))
    assert await store.size_of("office") == 40
    assert await store.size_of("another") == 0
    with pytest.raises(Refused):
        await database.submit(*store.grown(chunk(1, document_id="d2", quota=49)))
    await database.submit(*store.grown(chunk(0, document_id="d3", quota=10)))
    await database.submit(store.destroyed("d1", "office"))
    await database.submit(*store.ended(chunk(1, document_id="d2", quota=49), DIGESTS))
    assert await store.size_of("office") == 20


async def test_one_request_gets_a_document(database: OpenDatabase) -> None:
    store = Documents(database)
    await given(store)

    async def bind(request: str) -> bool:
        try:
            await database.submit(store.bound(WHOLE, request, NOW + 7200, NOW))
        except Refused:
            return False
        return True

    taken = await asyncio.gather(*(bind(f"r{n}") for n in range(4)))
    assert sum(taken) == 1
    request = f"r{taken.index(True)}"
    found = await store.find("d1", "office", NOW)
    assert found == replace(WHOLE, request=request, expires_at=NOW + 7200)
    await database.submit(store.destroyed_of("another request"))
    with pytest.raises(Refused):
        await database.submit(store.destroyed("d1", "office"))
    assert await store.lent("d1", NOW) == found
    assert await store.lent("d1", NOW + 7200) is None
    assert await store.find("d1", "office", NOW) == found
    await database.submit(store.destroyed_of(request))
    assert await store.find("d1", "office", NOW) is None


async def test_only_what_is_whole_and_lives_is_given_to_a_request(database: OpenDatabase) -> None:
    store = Documents(database)
    await database.submit(store.begun(UPLOAD))
    with pytest.raises(Refused):
        await database.submit(store.bound(UPLOAD, "r1", NOW + 7200, NOW))
    await database.submit(*store.ended(chunk(0, until=NOW + 5), DIGESTS))
    for whose, now in ((replace(UPLOAD, client_id="another"), NOW), (UPLOAD, NOW + 5)):
        with pytest.raises(Refused):
            await database.submit(store.bound(whose, "r1", NOW + 7200, now))


async def test_destroying_is_for_the_client_that_gave_it(database: OpenDatabase) -> None:
    store = Documents(database)
    await given(store)
    with pytest.raises(Refused):
        await database.submit(store.destroyed("d1", "another"))
    await database.submit(store.destroyed("d1", "office"))
    with pytest.raises(Refused):
        await database.submit(store.destroyed("d1", "office"))
    assert await store.find("d1", "office", NOW) is None


async def test_chunks_leave_with_their_document_all_of_them(database: OpenDatabase) -> None:
    store = Documents(database)
    await given(store, chunks=2 * MOST_CHUNKS + 3)
    await given(store, identifier="d2")
    await given(store, identifier="d3", until=NOW + 7200)
    await database.submit(store.begun(replace(UPLOAD, id="half")))
    await database.submit(*store.grown(chunk(0, document_id="half", quota=10_000)))
    await database.submit(store.destroyed("d1", "office"))
    cleaner = Cleaner(database, StillClock(), expiring(database, Lifetimes()))
    await cleaner.run_once(NOW + 599, asyncio.Event())
    assert await rows(database, document_chunk) == 3 + 3 + 1
    await cleaner.run_once(NOW + 600, asyncio.Event())
    assert (await rows(database, documents), await rows(database, document_chunk)) == (2, 6)
    await cleaner.run_once(NOW + 3600, asyncio.Event())
    assert (await rows(database, documents), await rows(database, document_chunk)) == (1, 3)
