"""The contract of the store of challenges: counted, sent and used by one conditional write each."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused, Statement
from idp.stores import factor_tables
from idp.stores.challenges import Challenge, Challenges

ASKED = Challenge(login_id="login-1", factor="otp", round=1, subject="resident", ends_at=1000)
SENT = replace(ASKED, mac=b"m" * 32, sends=1, sent_at=10, code_ends_at=300, charges=b"[1]")


async def test_answers_are_counted_up_to_the_most_and_no_further(database: OpenDatabase) -> None:
    store = Challenges(database)
    counted = await asyncio.gather(*(store.count(ASKED, 5) for _ in range(64)))
    assert sorted(c.tries for c in counted if c is not None) == [1, 2, 3, 4, 5]
    assert await store.get("login-1", "otp") == replace(ASKED, tries=5)
    assert await store.count(replace(ASKED, factor="pin"), 5) == replace(
        ASKED, factor="pin", tries=1
    )


async def test_counting_shows_the_live_code_and_leaves_it(database: OpenDatabase) -> None:
    store = Challenges(database)
    await database.submit(store.send(None, SENT))
    assert await store.count(replace(ASKED, subject="other"), 5) == replace(SENT, tries=1)


async def test_of_many_first_sends_one_happens(database: OpenDatabase) -> None:
    store = Challenges(database)
    macs = [bytes([number]) * 32 for number in range(16)]
    outcomes = await asyncio.gather(
        *(database.submit(store.send(None, replace(SENT, mac=mac))) for mac in macs),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes if each is not None] == [Refused] * 15
    live = await store.get("login-1", "otp")
    assert live is not None
    assert live.mac == macs[outcomes.index(None)]


async def test_a_second_send_replaces_the_code_and_keeps_the_tries(database: OpenDatabase) -> None:
    store = Challenges(database)
    await database.submit(store.send(None, SENT))
    await store.count(ASKED, 5)
    second = replace(SENT, mac=b"n" * 32, sends=2, sent_at=40)
    await database.submit(store.send(SENT, second))
    assert await store.get("login-1", "otp") == replace(second, tries=1)
    with pytest.raises(Refused):
        await database.submit(store.send(SENT, replace(SENT, mac=b"o" * 32, sends=2)))


async def test_a_code_is_used_once_and_only_while_it_is_the_live_one(
    database: OpenDatabase,
) -> None:
    store = Challenges(database)
    await database.submit(store.send(None, SENT))
    outcomes = await asyncio.gather(
        *(database.submit(store.use(SENT)) for _ in range(64)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert all(isinstance(each, Refused) for each in outcomes if each is not None)
    second = replace(SENT, mac=b"n" * 32, sends=2)
    await database.submit(store.send(SENT, second))
    with pytest.raises(Refused):
        await database.submit(store.use(SENT))
    await database.submit(store.use(second))


async def test_a_step_is_used_once_per_resident(database: OpenDatabase) -> None:
    store = Challenges(database)
    outcomes = await asyncio.gather(
        *(database.submit(store.use_step("resident", 7, 100, 10)) for _ in range(64)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    await database.submit(
        store.use_step("resident", 8, 100, 10), store.use_step("other", 7, 100, 10)
    )


async def test_what_expired_leaves_in_bounded_batches(database: OpenDatabase) -> None:
    store = Challenges(database)
    for number in range(10):
        state = replace(SENT, login_id=f"login-{number}", ends_at=100 + number)
        await database.submit(
            store.send(None, state),
            store.silence(f"message-{number}", b"sealed", 100 + number),
            store.use_step("resident", number, 100 + number, 10),
        )

    async def left() -> list[int]:
        tables = (factor_tables.challenge, factor_tables.unsent, factor_tables.step)
        counts = [Statement(select(func.count().label("n")).select_from(t)) for t in tables]
        return [(await database.rows(count))[0]["n"] for count in counts]

    for write in store.prune(104, 3):
        await database.submit(write)
    assert await left() == [7, 7, 7]
    await database.submit(*store.prune(104, 100))
    assert await left() == [5, 5, 5]
    assert await store.get("login-5", "otp") is not None
