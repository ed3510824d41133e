"""Stored signature requests: each move happens once, and what ended cannot be read."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from esignet.protocol.signature_request import SignatureRequest, Slot, State
from esignet.stores.creation_keys import CreationKeys, Once
from esignet.stores.requests import REMEMBERED, SignatureRequests
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
ANA = Slot(signer="ana", approval="1")


async def test_a_request_is_found_by_its_client_alone(database: OpenDatabase) -> None:
    store = SignatureRequests(database)
    await database.submit(store.added(REQUEST, 0), store.kept(REQUEST, "key", b"sealed"))
    assert await store.find("r1", "office") == await store.find("r1") == REQUEST
    assert await store.find("r1", "another") is None
    assert await store.find("r2", "office") is None
    assert (await store.part("r1", "key"), await store.part("r1", "told")) == (b"sealed", None)
    with pytest.raises(Refused):
        await database.submit(store.added(REQUEST, 0))


async def test_one_of_many_signs(database: OpenDatabase) -> None:
    store = SignatureRequests(database)
    await database.submit(store.added(REQUEST, 0))
    taken = REQUEST.taken(0, ANA, NOW, NOW + 30)

    async def move() -> bool:
        try:
            await database.submit(store.moved(REQUEST, taken))
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(move() for _ in range(8)))) == 1
    with pytest.raises(Refused):
        await database.submit(store.moved(REQUEST, REQUEST.cancelled(NOW)))
    assert await store.find("r1") == taken
    await database.submit(store.moved(taken, taken.reopened()))
    found = await store.find("r1")
    assert found == replace(REQUEST, version=2)
    with pytest.raises(Refused):  # it stands where it stood, and has moved twice meanwhile
        await database.submit(store.moved(REQUEST, taken))


async def test_parts_are_numbered_replaced_and_destroyed(database: OpenDatabase) -> None:
    store, other = SignatureRequests(database), replace(REQUEST, id="r2")
    both = [store.added(REQUEST, 0), store.added(other, 1), store.kept(other, "key", b"other")]
    parts = [store.kept(REQUEST, "result.0", bytes([place]), place) for place in (2, 0, 1)]
    await database.submit(*both, *parts, store.kept(REQUEST, "key", b"sealed"))
    await database.submit(store.kept(REQUEST, "result.0", b"new", 1))
    assert await store.parts("r1", "result.0") == [b"\0", b"new", b"\2"]
    await database.submit(*store.dropped(REQUEST, "result.0"))
    assert await store.parts("r1", "result.0") == []
    assert await store.part("r1", "key") == b"sealed"
    ended = store.moved(REQUEST, REQUEST.cancelled(NOW))
    await database.submit(ended, *store.dropped(REQUEST))
    assert (await store.part("r1", "key"), await store.part("r2", "key")) == (None, b"other")


async def test_what_was_left_is_found_when_nobody_is_at_work(database: OpenDatabase) -> None:
    store = SignatureRequests(database)
    taken = REQUEST.taken(0, ANA, NOW, NOW + 30)
    waits = replace(REQUEST, id="r2")
    await database.submit(store.added(taken, 0), store.added(waits, 1))
    assert await store.left(NOW + 29, 10) == []
    assert await store.left(NOW + 30, 10) == [taken]
    await database.submit(store.renewed(taken, NOW + 60))
    assert await store.left(NOW + 59, 10) == []
    assert await store.left(NOW + 3600, 10) == []
    assert {one.id for one in await store.overdue(NOW + 3600, 10)} == {"r1", "r2"}
    assert await store.overdue(NOW + 3599, 10) == []
    with pytest.raises(Refused):
        await database.submit(store.renewed(taken.completing(), NOW + 90))


async def test_as_many_wait_as_there_are_numbers(database: OpenDatabase) -> None:
    """However many come at the same time, and a number is free when its request has ended."""
    store = SignatureRequests(database)
    await database.submit(store.added(replace(REQUEST, id="other", client_id="another"), 0))

    async def asked(name: str, number: int) -> bool:
        try:
            await database.submit(store.added(replace(REQUEST, id=name), number))
        except Refused:
            return False
        return True

    turns = [(f"r{turn}-{number}", number) for turn in range(6) for number in range(3)]
    assert sum(await asyncio.gather(*(asked(*turn) for turn in turns))) == 3
    assert await store.waiting("office") == {0, 1, 2}
    assert await store.waiting("another") == {0}
    [first] = [name for name, number in turns if number == 1 and await store.find(name)]
    request = await store.find(first)
    assert request is not None
    taken = request.taken(0, ANA, NOW, NOW + 30)
    await database.submit(store.moved(request, taken))
    assert not await asked("early", 1), "who signs has not ended"
    await database.submit(store.moved(taken, taken.failed("unsignable")))
    assert await store.waiting("office") == {0, 2}
    assert sum(await asyncio.gather(*(asked(f"late{turn}", 1) for turn in range(6)))) == 1


async def test_an_idempotency_key_is_of_one_client_and_request(database: OpenDatabase) -> None:
    keys, once = CreationKeys(database), Once("k", b"hash of what was asked")
    await database.submit(keys.used(once, REQUEST))
    for other in (REQUEST, replace(REQUEST, id="r2")):
        with pytest.raises(Refused):
            await database.submit(keys.used(once, other))
    await database.submit(keys.used(once, replace(REQUEST, client_id="another", id="r3")))
    assert await keys.find("office", "k") == (once.asked, "r1")
    assert await keys.find("another", "k") == (once.asked, "r3")
    assert await keys.find("offic", "ek") is None
    await database.submit(keys.prune(NOW + 3600, 10))
    assert await keys.find("office", "k") is None


async def test_an_approval_is_of_one_request(database: OpenDatabase) -> None:
    keys, other = CreationKeys(database), replace(REQUEST, id="r2", client_id="another")
    await database.submit(keys.approved("a1", REQUEST, NOW + 60))
    for request in (REQUEST, other):
        with pytest.raises(Refused):
            await database.submit(keys.approved("a1", request, NOW + 60))
    await database.submit(keys.approved("a2", other, NOW + 60), keys.used(Once("a1", b""), other))
    await database.submit(keys.prune(NOW + 60, 10))
    await database.submit(keys.approved("a1", other, NOW + 120))


async def test_what_expired_is_destroyed_and_a_day_later_forgotten(database: OpenDatabase) -> None:
    store, later = SignatureRequests(database), replace(REQUEST, id="r2", expires_at=NOW + 7200)
    for number, one in enumerate((REQUEST, later)):
        await database.submit(store.added(one, number), store.kept(one, "key", b"sealed"))
    await database.submit(*store.prune(NOW + 3599, 10))
    assert await store.part("r1", "key") == b"sealed"
    await database.submit(*store.prune(NOW + 3600, 10))
    assert (await store.part("r1", "key"), await store.part("r2", "key")) == (None, b"sealed")
    assert await store.find("r1") == REQUEST
    await database.submit(*store.prune(NOW + 3600 + REMEMBERED, 10))
    assert (await store.find("r1"), await store.find("r2")) == (None, later)
