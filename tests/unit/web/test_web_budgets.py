"""Overload is answered at once and stays where it arose (R5)."""

import asyncio

import pytest

from config.runtime.web import Answer, Budget, Call, Overloaded, Route, empty
from tests.unit.web.asking import Asked, Reply, ask, web


class Gate:
    """An endpoint that holds its requests until it is opened."""

    def __init__(self) -> None:
        self.inside = 0
        self.open = asyncio.Event()

    async def endpoint(self, call: Call) -> Answer:
        self.inside += 1
        await self.open.wait()
        return empty()


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0)


async def test_the_surplus_is_told_to_come_back_at_once() -> None:
    gate = Gate()
    budget = Budget("token", limit=3, queue=2, patience=5)
    other = Budget("metadata", limit=1, queue=0)
    app = web(
        [
            Route(path="/token", endpoints={"GET": gate.endpoint}, budget="token"),
            Route(path="/jwks", endpoints={"GET": Gate().endpoint}, budget="metadata"),
            Route(path="/page", endpoints={"GET": gate.endpoint}, budget="token", page=True),
        ],
        budgets={"token": budget, "metadata": other},
    )
    held = [asyncio.create_task(ask(app, Asked(path="/token"))) for _ in range(5)]
    await until(lambda: gate.inside == 3 and budget.waiting == 2)

    surplus = await asyncio.wait_for(ask(app, Asked(path="/token")), 1)
    assert (surplus.status, surplus.header("retry-after")) == (503, "1")
    page = await asyncio.wait_for(ask(app, Asked(path="/page")), 1)
    assert page.status == 503 and b"<h1>" in page.body
    assert budget.refused == 2

    # the other bulkhead has its own room
    running = asyncio.create_task(ask(app, Asked(path="/jwks")))
    await until(lambda: other.running == 1)
    running.cancel()

    gate.open.set()
    replies: list[Reply] = await asyncio.gather(*held)
    assert [reply.status for reply in replies] == [204] * 5
    assert (budget.running, budget.waiting) == (0, 0)
    assert (await ask(app, Asked(path="/token"))).status == 204


async def test_who_waits_is_served_in_order() -> None:
    budget = Budget("token", limit=1, queue=3, patience=5)
    assert budget.enter()
    served = []

    async def one(number: int) -> None:
        await budget.wait()
        served.append(number)
        budget.leave()

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await until(lambda: budget.waiting == 3)
    assert not budget.enter()
    budget.leave()
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2]
    assert budget.running == 0


async def test_who_waits_too_long_is_told_so() -> None:
    budget = Budget("token", limit=1, queue=1, patience=0.01)
    assert budget.enter()
    with pytest.raises(Overloaded):
        await budget.wait()
    assert (budget.running, budget.waiting, budget.refused) == (1, 0, 1)
    budget.leave()
    assert budget.enter()


async def test_who_goes_away_while_waiting_takes_no_place_along() -> None:
    budget = Budget("token", limit=1, queue=2, patience=5)
    assert budget.enter()
    first = asyncio.create_task(budget.wait())
    second = asyncio.create_task(budget.wait())
    await until(lambda: budget.waiting == 2)
    budget.leave()  # the place goes to the first, which is cancelled in the same moment
    first.cancel()
    await second
    assert (budget.running, budget.waiting) == (1, 0)
    budget.leave()
    assert budget.running == 0


async def test_a_request_that_fails_or_is_cancelled_leaves_its_place() -> None:
    budget = Budget("token", limit=1, queue=0)
    gate = Gate()

    async def fails(call: Call) -> Answer:
        raise RuntimeError

    app = web(
        [
            Route(path="/fails", endpoints={"GET": fails}, budget="token"),
            Route(path="/held", endpoints={"GET": gate.endpoint}, budget="token"),
        ],
        budgets={"token": budget},
    )
    assert (await ask(app, Asked(path="/fails"))).status == 500
    task = asyncio.create_task(ask(app, Asked(path="/held")))
    await until(lambda: gate.inside == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert budget.running == 0
