"""Threads that serve an SQLite file: what waits is taken together, and nobody waits for ever."""

import asyncio
import sqlite3
from collections.abc import Iterator
from threading import Event

import pytest

from config.runtime.database.lanes import Job, Lane, Limits
from config.runtime.database.unit import DatabaseUnavailable


class Gated:
    """A session that notes its batches, and waits at the gate before it ends one."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.begun = Event()
        self.gate = Event()
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)

    def run(self, jobs: Iterator[Job]) -> None:
        self.begun.set()
        count = 0
        for job in jobs:
            count += 1
            job.outcome = job.work(self.connection)
        self.batches.append(count)
        self.gate.wait(20)

    def close(self) -> None:
        self.connection.close()


def lane(session: Gated, deadline: float = 20.0, batch: int = 40) -> Lane:
    return Lane("gated", [session], Limits(deadline=deadline, batch=batch, queue=1000))


async def test_what_waits_is_taken_together() -> None:
    session = Gated()
    one = lane(session)
    first = one.ask(lambda _: "first")
    await asyncio.to_thread(session.begun.wait, 20)
    while not session.batches:
        await asyncio.sleep(0)
    others = [one.ask(lambda _, n=n: n) for n in range(50)]  # type: ignore[misc]
    session.gate.set()
    assert await first == "first"
    assert await asyncio.gather(*others) == list(range(50))
    assert session.batches == [1, 40, 10]
    await one.close()


async def test_work_behind_a_thread_that_is_held_up_gets_another() -> None:
    stuck, free = Gated(), Gated()
    free.gate.set()
    limits = Limits(deadline=20.0, batch=40, queue=1000)
    two = Lane("gated", [stuck, free], limits)
    first = two.ask(lambda _: "first")
    await asyncio.to_thread(stuck.begun.wait, 20)
    while not stuck.batches:
        await asyncio.sleep(0)
    assert await two.ask(lambda _: "second") == "second"
    assert not first.done() and free.batches == [1]
    stuck.gate.set()
    assert await first == "first"
    await two.close()


async def test_what_one_turn_asks_wakes_one_thread() -> None:
    one, other = Gated(), Gated()
    one.gate.set()
    other.gate.set()
    two = Lane("gated", [one, other], Limits(deadline=20.0, batch=40, queue=1000))
    for _ in range(5):
        await asyncio.gather(*(two.ask(lambda _: None) for _ in range(3)))
    assert one.batches == [3] * 5
    assert not other.begun.is_set()
    await two.close()


async def test_a_disk_that_hangs_is_unavailable_at_the_deadline() -> None:
    session = Gated()
    one = lane(session, deadline=0.1)
    with pytest.raises(DatabaseUnavailable):
        await one.ask(lambda _: None)
    with pytest.raises(DatabaseUnavailable):
        await one.ask(lambda _: None)
    session.gate.set()
    await one.close()
    assert sum(session.batches) == 1  # who has gone is not worked for


async def test_closing_finishes_what_waits() -> None:
    session = Gated()
    session.gate.set()
    one = lane(session)
    asked = [one.ask(lambda _, n=n: n) for n in range(100)]  # type: ignore[misc]
    await one.close()
    assert await asyncio.gather(*asked) == list(range(100))
    with pytest.raises(DatabaseUnavailable):
        one.ask(lambda _: None)
