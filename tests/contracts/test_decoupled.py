"""Requests that are approved on another device: found by either secret, moved by one at a time."""

import asyncio
from dataclasses import replace

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.protocol.decoupled import COLLECT, LINGER, Decoupled, Kind, Status
from idp.protocol.grant import digest_of
from idp.protocol.login import IllegalMove
from idp.stores.decoupled import DecoupledRequests
from tests.contracts.test_codes import AUTHORIZATION

NOW = 1_800_000_000
REQUEST = Decoupled(
    digest=digest_of("secret"),
    kind=Kind.DEVICE,
    issuer="https://id.example",
    client_id="c1",
    asked=(("scope", "openid"), ("resource", "https://a https://b")),
    asked_from="192.0.2.1",
    interval=5,
    created_at=NOW,
    expires_at=NOW + 600,
    code_digest=digest_of("code"),
)


async def kept(database: OpenDatabase, *requests: Decoupled) -> DecoupledRequests:
    store = DecoupledRequests(database)
    await database.submit(*(store.add(request) for request in requests))
    return store


async def test_it_is_found_by_either_secret_as_it_was_made(database: OpenDatabase) -> None:
    store = await kept(database, REQUEST)
    assert await store.find(REQUEST.digest) == REQUEST
    assert await store.with_code(digest_of("code")) == REQUEST
    assert await store.find(digest_of("other")) is None
    assert await store.with_code(digest_of("other")) is None


async def test_a_user_code_is_one_requests_until_that_is_redeemed(database: OpenDatabase) -> None:
    store = await kept(database, REQUEST)
    other = replace(REQUEST, digest=digest_of("other"))
    for _ in range(2):
        with pytest.raises(Refused):
            await database.submit(store.add(other))
    approved = REQUEST.approve(AUTHORIZATION, NOW)
    redeemed = approved.redeem(NOW + 9000)
    await database.submit(store.move(REQUEST, approved))
    await database.submit(store.move(approved, redeemed))
    await database.submit(store.add(other))
    assert await store.find(REQUEST.digest) == redeemed
    assert await store.with_code(digest_of("code")) == other


async def test_one_of_many_moves_counts(database: OpenDatabase) -> None:
    store = await kept(database, REQUEST)
    moves = [REQUEST.approve(AUTHORIZATION, NOW), REQUEST.deny()] * 4
    ends = await asyncio.gather(
        *(database.submit(store.move(REQUEST, after)) for after in moves), return_exceptions=True
    )
    assert sum(end is None for end in ends) == 1
    assert all(end is None or isinstance(end, Refused) for end in ends)
    found = await store.find(REQUEST.digest)
    assert found is not None and found.revision == 1


async def test_those_of_a_person_are_listed_while_they_wait(database: OpenDatabase) -> None:
    mine = replace(REQUEST, resident_id="r1", code_digest=None)
    later = replace(mine, digest=digest_of("later"), expires_at=NOW + 700)
    theirs = replace(mine, digest=digest_of("theirs"), resident_id="r2")
    store = await kept(database, later, mine, theirs)
    assert await store.of_resident("r1", NOW) == [mine, later]
    assert await store.of_resident("r1", NOW + 650) == [later]
    assert await store.of_resident("r1", NOW + 700) == []


async def test_what_lapsed_lingers_and_a_tombstone_stays_as_long_as_its_grant(
    database: OpenDatabase,
) -> None:
    used = replace(REQUEST, digest=digest_of("used"), code_digest=None)
    store = await kept(database, REQUEST, used)
    approved = used.approve(AUTHORIZATION, NOW)
    await database.submit(store.move(used, approved))
    await database.submit(store.move(approved, approved.redeem(NOW + 9000)))
    await database.submit(store.prune(NOW + 600 + LINGER - 1, 100))
    assert await store.find(REQUEST.digest) is not None
    await database.submit(store.prune(NOW + 600 + LINGER, 100))
    assert await store.find(REQUEST.digest) is None
    assert await store.find(used.digest) is not None
    await database.submit(store.prune(NOW + 9000 + LINGER, 100))
    assert await store.find(used.digest) is None


def test_it_moves_forward_only_and_in_time() -> None:
    approved = REQUEST.approve(AUTHORIZATION, NOW + 599)
    assert approved.status is Status.APPROVED and not approved.is_over(NOW + 600 + COLLECT - 1)
    with pytest.raises(IllegalMove):
        REQUEST.approve(AUTHORIZATION, NOW + 600)
    for moved in (approved, REQUEST.deny()):
        with pytest.raises(IllegalMove):
            moved.approve(AUTHORIZATION, NOW)
        with pytest.raises(IllegalMove):
            moved.deny()
    for other in (REQUEST, REQUEST.deny(), approved.redeem(NOW)):
        with pytest.raises(IllegalMove):
            other.redeem(NOW)
