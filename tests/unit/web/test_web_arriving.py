"""Long bodies on slow lines: taken as long as they go on, and never at the cost of others (R5)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.web import (
    Answer,
    Budget,
    Call,
    Malformed,
    Overloaded,
    Route,
    Web,
    arriving,
    json_answer,
)
from config.runtime.web.arriving import BODY_SECONDS, PATIENT, SHORT, SLOWEST, Arrivals, paced
from tests.unit.web.asking import Asked, Reply, ask, web
from tests.unit.web.test_web_protocol import CLOSING, HOST, exchange, serving, statuses

LIMIT = 20_000_000
PIECE = bytes(65_536)
MUCH = 1_000_000


@dataclass
class Line:
    """A line that brings ``piece`` in each ``seconds``, on a clock of its own."""

    seconds: float
    pieces: int
    piece: bytes = PIECE
    passed: float = 0.0

    def time(self) -> float:
        return self.passed

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)  # who has something to give is not waited for
        self.passed += self.seconds
        self.pieces -= 1
        return {"type": "http.request", "body": self.piece, "more_body": self.pieces > 0}

    async def taken(self, monkeypatch: pytest.MonkeyPatch, pace: Callable[[], int]) -> int:
        monkeypatch.setattr(arriving, "clock_of", lambda: self.time)
        return sum([len(piece) async for piece in paced(self.receive, LIMIT, pace)])


@pytest.mark.attack("A26")
async def test_a_poor_line_brings_a_whole_document(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(seconds=65_536 / PATIENT, pieces=LIMIT // 65_536)
    assert await line.taken(monkeypatch, lambda: PATIENT) == LIMIT // 65_536 * 65_536
    assert line.passed > 2400, "no total keeps it from that"


@pytest.mark.attack("A26")
async def test_who_drips_is_told_to_come_on_a_better_line(monkeypatch: pytest.MonkeyPatch) -> None:
    drops = Line(seconds=0.9 * BODY_SECONDS, pieces=10**6, piece=b"a")
    with pytest.raises(Malformed) as refusal:
        await drops.taken(monkeypatch, lambda: PATIENT)
    assert (refusal.value.status, drops.passed < 3 * BODY_SECONDS) == (408, True)
    slower = Line(seconds=1.1 * 65_536 / PATIENT, pieces=10**6)
    with pytest.raises(Malformed) as refusal:
        await slower.taken(monkeypatch, lambda: PATIENT)
    assert refusal.value.status == 408


@pytest.mark.attack("A47")
async def test_when_many_come_nobody_may_be_slow_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals = Arrivals(most=MUCH)
    line = Line(seconds=65_536 / PATIENT, pieces=20)
    assert await line.taken(monkeypatch, arrivals.pace) == 20 * 65_536
    with arrivals.body("192.0.2.1") as one, arrivals.body("192.0.2.2") as other:
        one(MUCH // 2)
        other(3 * SHORT)
        assert arrivals.pace() == SLOWEST
        with pytest.raises(Malformed):
            await Line(seconds=line.seconds, pieces=20).taken(monkeypatch, arrivals.pace)
        quick = Line(seconds=65_536 / SLOWEST, pieces=20)
        assert await quick.taken(monkeypatch, arrivals.pace) == 20 * 65_536
    assert (arrivals.held, arrivals.pace()) == (0, PATIENT)


@pytest.mark.attack("A47")
def test_one_address_has_half_and_all_together_no_more_than_there_is() -> None:
    arrivals = Arrivals(most=MUCH)
    with arrivals.body("192.0.2.1") as one, arrivals.body("192.0.2.1") as again:
        one(MUCH // 2)
        again(SHORT)  # what any request may have counts for nothing
        with pytest.raises(Overloaded):
            again(2 * SHORT)
        with arrivals.body("192.0.2.2") as other, arrivals.body("192.0.2.3") as third:
            other(MUCH // 2)
            third(SHORT)
            assert arrivals.held == MUCH // 2 * 2 - 2 * SHORT
            with pytest.raises(Overloaded):
                third(MUCH // 2)
    assert arrivals.held == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, MUCH // 4))))
def test_what_is_held_is_what_came(steps: list[tuple[int, int, int]]) -> None:
    arrivals, contexts, came = Arrivals(most=MUCH), {}, {}
    for address, number, more in steps:
        key = (address, number)
        if key not in contexts:
            contexts[key] = arrivals.body(f"192.0.2.{address}")
            came[key] = [contexts[key].__enter__(), 0]
        try:
            came[key][0](more)
            came[key][1] += more
        except Overloaded:
            contexts.pop(key).__exit__(None, None, None)
            came.pop(key)
        assert arrivals.held == sum(max(size - SHORT, 0) for _, size in came.values())
        assert arrivals.held <= MUCH
    for context in contexts.values():
        context.__exit__(None, None, None)
    assert arrivals.held == 0


def counting(**house: Any) -> Web:
    async def size(call: Call) -> Answer:
        return json_answer({"size": len(await call.body(LIMIT))})

    async def hello(call: Call) -> Answer:
        return json_answer({"hello": True})

    routes = [
        Route(path="/size", endpoints={"POST": size}, budget="one"),
        Route(path="/hello", endpoints={"GET": hello}, budget="one"),
    ]
    return web(routes, budgets={"one": Budget("one", 1, 0)}, **house)


class Held(Asked):
    """A body of which the last piece comes when it ``may``."""

    def receiver(self) -> Any:
        pieces, self.waits, self.may = [PIECE, PIECE], asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            if pieces:
                return {"type": "http.request", "body": pieces.pop(), "more_body": True}
            self.waits.set()
            await self.may.wait()
            return {"type": "http.request", "body": PIECE, "more_body": False}

        return receive

    async def asked(self, application: Web) -> "asyncio.Task[Reply]":
        task = asyncio.create_task(ask(application, self))
        while not hasattr(self, "waits"):
            await asyncio.sleep(0)
        await self.waits.wait()
        return task


@pytest.mark.attack("A47")
async def test_who_sends_slowly_keeps_no_place_from_others() -> None:
    application = counting()
    async with asyncio.timeout(60):
        slow = [Held("POST", "/size", [("content-length", str(3 * len(PIECE)))]) for _ in range(3)]
        tasks = [await one.asked(application) for one in slow]
        assert (await ask(application, Asked(path="/hello"))).status == 200
        for one, task in zip(slow, tasks, strict=True):
            one.may.set()
            assert (await task).body == b'{"size":%d}' % (3 * len(PIECE))
        assert (await ask(application, Asked(path="/hello"))).status == 200


@pytest.mark.attack("A47")
async def test_who_comes_back_to_a_full_house_is_told_so() -> None:
    application = counting()
    budget: Budget = application._house.budgets["one"]
    async with asyncio.timeout(60):
        slow = Held("POST", "/size", [("content-length", str(3 * len(PIECE)))])
        task = await slow.asked(application)
        assert budget.enter()
        slow.may.set()
        reply = await task
        assert (reply.status, reply.header("retry-after")) == (503, "1")
        budget.leave()
        assert budget.running == 0
        assert (await ask(application, Asked(path="/hello"))).status == 200


@pytest.mark.attack("A47")
async def test_too_much_at_once_is_refused_while_it_comes() -> None:
    application = counting(arrivals=Arrivals(most=MUCH))
    pieces = [PIECE] * 20
    reply = await ask(application, Asked("POST", "/size", (), pieces))
    assert (reply.status, reply.header("retry-after")) == (503, "5")
    assert (await ask(application, Asked("POST", "/size", (), pieces[:5]))).status == 200


async def test_a_long_body_may_come_without_its_length() -> None:
    head = b"POST /size HTTP/1.1\r\n" + HOST + CLOSING + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % len(PIECE) + PIECE + b"\r\n"
    async with serving(counting()) as port:
        received = await exchange(port, head, *[chunk] * 5, b"0\r\n\r\n", ends=False)
    assert statuses(received) == [200]
    assert received.endswith(b'{"size":%d}' % (5 * len(PIECE)))
