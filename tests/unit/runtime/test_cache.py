"""The cache: entries age, the least used leave first, one loading per key."""

import asyncio

import pytest

from config.runtime.cache import Cache
from tests.unit.web.asking import HandClock


class Source:
    """Something slow that is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fault: Exception | None = None

    async def load(self, key: str) -> str:
        self.asked.append(key)
        await self.go_on.wait()
        if self.fault:
            raise self.fault
        return f"{key}{len(self.asked)}"


def make(entries: int = 3, seconds: float = 60) -> tuple[Cache[str, str], Source, HandClock]:
    clock = HandClock()
    return Cache(clock, entries=entries, seconds=seconds), Source(), clock


async def test_a_value_is_loaded_once_until_it_is_old() -> None:
    cache, source, clock = make()
    assert [await cache.get("a", lambda: source.load("a")) for _ in range(3)] == ["a1"] * 3
    clock.passed += 59.9
    assert await cache.get("a", lambda: source.load("a")) == "a1"
    clock.passed += 0.1
    assert await cache.get("a", lambda: source.load("a")) == "a2"


async def test_the_least_used_leaves_first() -> None:
    cache, source, _ = make(entries=2)
    for key in "abacab":
        await cache.get(key, lambda key=key: source.load(key))  # type: ignore[misc]
    assert source.asked == ["a", "b", "c", "b"]
    assert len(cache) == 2


async def test_many_askers_share_one_loading() -> None:
    cache, source, _ = make()
    source.go_on.clear()
    tasks = [asyncio.create_task(cache.get("a", lambda: source.load("a"))) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()  # the first one leaves, the loading goes on for the others
    await asyncio.sleep(0)
    source.go_on.set()
    assert await asyncio.gather(*tasks[1:]) == ["a1"] * 9
    assert source.asked == ["a"]


async def test_a_failure_is_shared_and_not_kept() -> None:
    cache, source, _ = make()
    source.go_on.clear()
    source.fault = ConnectionError()
    tasks = [asyncio.create_task(cache.get("a", lambda: source.load("a"))) for _ in range(3)]
    await asyncio.sleep(0)
    source.go_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert source.asked == ["a"]
    source.fault = None
    assert await cache.get("a", lambda: source.load("a")) == "a2"


async def test_what_was_forgotten_while_loading_is_loaded_again() -> None:
    cache, source, _ = make()
    source.go_on.clear()
    first = asyncio.create_task(cache.get("a", lambda: source.load("a")))
    await asyncio.sleep(0)
    cache.forget("a")
    second = asyncio.create_task(cache.get("a", lambda: source.load("a")))
    await asyncio.sleep(0)
    source.go_on.set()
    await asyncio.gather(first, second)
    assert source.asked == ["a", "a"]
    assert len(cache) == 1
    cache.forget("a")
    cache.forget("never")
    await cache.get("a", lambda: source.load("a"))
    assert len(source.asked) == 3
    cache.clear()
    assert len(cache) == 0


async def test_keys_are_told_apart() -> None:
    cache: Cache[tuple[str, str], str] = Cache(HandClock(), entries=10, seconds=60)
    source = Source()
    one = await cache.get(("issuer1", "client"), lambda: source.load("x"))
    other = await cache.get(("issuer2", "client"), lambda: source.load("y"))
    assert (one, other) == ("x1", "y2")


async def test_a_loading_that_everybody_left_still_serves_the_next() -> None:
    cache, source, _ = make()
    source.go_on.clear()
    task = asyncio.create_task(cache.get("a", lambda: source.load("a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    source.go_on.set()
    assert await cache.get("a", lambda: source.load("a")) == "a1"
