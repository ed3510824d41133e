"""Pushed requests: sealed, opened as often as a page is loaded, used once whoever comes when."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from config.runtime.database.connect import OpenDatabase, open_database
from config.runtime.database.unit import Refused, Statement, Write
from config.runtime.entropy import SystemEntropy
from idp.protocol.grant import digest_of
from idp.protocol.par import PushedRequest
from idp.stores.oauth_tables import pushed_request
from idp.stores.pushed_requests import PushedRequests
from keystore.door import BadSeal
from tests.servers import PATIENT

NOW = 1_800_000_000
SECRET = "s" * 43
PUSHED = PushedRequest(
    digest=digest_of(SECRET),
    client_id="c1",
    asked={"scope": "openid", "state": 'é"\\', "login_hint": "+447700900123"},
    signed=True,
    opened_by=NOW + 60,
    expires_at=NOW + 1860,
)
ROWS = Statement(select(pushed_request.c.digest, pushed_request.c.state))


def store(database: OpenDatabase) -> PushedRequests:
    return PushedRequests(database, SystemEntropy())


async def test_a_request_is_found_as_it_was_pushed(database: OpenDatabase) -> None:
    requests = store(database)
    assert await requests.find(SECRET) is None
    await database.submit(requests.add(SECRET, PUSHED))
    assert await requests.find(SECRET) == PUSHED
    assert await requests.is_usable(PUSHED.digest, NOW)
    assert not await requests.is_usable(PUSHED.digest, PUSHED.expires_at)
    assert not await requests.is_usable(b"unknown", NOW)
    with pytest.raises(Refused):
        await database.submit(requests.add(SECRET, PUSHED))


@pytest.mark.attack("A43")
async def test_what_is_stored_tells_nothing_and_belongs_to_its_row(database: OpenDatabase) -> None:
    requests, other = store(database), "t" * 43
    await database.submit(requests.add(SECRET, PUSHED))
    moved = replace(PUSHED, digest=digest_of(other))
    await database.submit(requests.add(other, moved))
    rows = {row["digest"]: row["state"] for row in await database.rows(ROWS)}
    assert b"447700900123" not in b"".join(rows.values())
    swapped = Statement(
        pushed_request.update()
        .where(pushed_request.c.digest == moved.digest)
        .values(state=rows[PUSHED.digest])
    )
    await database.submit(Write(swapped, {}))
    with pytest.raises(BadSeal):
        await requests.find(other)


async def test_it_is_opened_often_and_used_once(database: OpenDatabase) -> None:
    requests = store(database)
    await database.submit(requests.add(SECRET, PUSHED))
    for _ in range(2):
        await database.submit(requests.open(PUSHED.digest))
    assert await requests.find(SECRET) == replace(PUSHED, opened_by=PUSHED.expires_at)
    await database.submit(requests.use(PUSHED.digest, NOW + 100))
    assert not await requests.is_usable(PUSHED.digest, NOW + 100)
    with pytest.raises(Refused):
        await database.submit(requests.use(PUSHED.digest, NOW + 101))
    found = await requests.find(SECRET)
    assert found is not None and found.used_at == NOW + 100


async def test_what_nobody_pushed_opens_nothing_and_is_not_used(database: OpenDatabase) -> None:
    requests = store(database)
    await database.submit(requests.open(b"unknown"))
    with pytest.raises(Refused):
        await database.submit(requests.use(b"unknown", NOW))


async def test_nothing_is_used_when_its_time_is_over(database: OpenDatabase) -> None:
    requests = store(database)
    await database.submit(requests.add(SECRET, PUSHED))
    with pytest.raises(Refused):
        await database.submit(requests.use(PUSHED.digest, PUSHED.expires_at))


async def test_pruning_takes_what_is_over(database: OpenDatabase) -> None:
    requests = store(database)
    await database.submit(requests.add(SECRET, PUSHED))
    await database.submit(requests.prune(PUSHED.expires_at - 1, 10))
    assert await requests.find(SECRET) is not None
    await database.submit(requests.prune(PUSHED.expires_at, 10))
    assert await requests.find(SECRET) is None


@pytest.mark.behaviour(36)
@pytest.mark.attack("A14")
async def test_of_64_uses_at_once_exactly_one_happens(
    database: OpenDatabase, database_url: str
) -> None:
    """Two openings of one database, as two processes have."""
    other = await open_database(database_url, PATIENT)
    await database.submit(store(database).add(SECRET, PUSHED))

    async def use(number: int) -> bool:
        opened = (database, other)[number % 2]
        try:
            await opened.submit(store(opened).use(PUSHED.digest, NOW))
        except Refused:
            return False
        return True

    won = await asyncio.gather(*(use(number) for number in range(64)))
    await other.close()
    assert won.count(True) == 1
