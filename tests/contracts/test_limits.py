"""The contract of `Limits`: the same in memory and in Redis, and when Redis is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from config.runtime.clock import SystemClock
from config.runtime.limits import Charge, Limits, MemoryLimits, Rate, RedisLimits
from config.runtime.redis import Redis
from tests import servers

NOW = 1_800_000_000
SECRET = b"0123456789abcdef"
TEN = Rate(10, 3600)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.server)])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[Limits]:
    """Limits without any spending, of each kind."""
    if request.param == "memory":
        yield MemoryLimits()
        return
    redis = Redis(request.getfixturevalue("redis_url"), SystemClock(), seconds=2)
    yield RedisLimits(redis, SECRET, MemoryLimits(entries=0))
    await redis.close()


async def spent(limits: Limits, times: int, now: int, rate: Rate = TEN) -> list[bool]:
    return [(await limits.spend([Charge("a", rate)], now)).allowed for _ in range(times)]


async def test_the_budget_is_spent_and_comes_back_evenly(limits: Limits) -> None:
    assert await spent(limits, 11, NOW) == [True] * 10 + [False]
    assert await spent(limits, 1, NOW + 359) == [False]
    assert await spent(limits, 2, NOW + 360) == [True, False]
    assert await spent(limits, 11, NOW + 360 + 3600) == [True] * 10 + [False]


async def test_a_refusal_says_when_to_come_back(limits: Limits) -> None:
    await spent(limits, 10, NOW)
    verdict = await limits.spend([Charge("a", TEN)], NOW + 100)
    assert (verdict.allowed, verdict.retry_after, verdict.key) == (False, 260, "a")
    assert await spent(limits, 1, NOW + 100 + 260) == [True]


async def test_a_refusal_costs_nothing(limits: Limits) -> None:
    await spent(limits, 1000, NOW)
    assert await spent(limits, 1, NOW + 360) == [True]


async def test_a_burst_is_smaller_than_the_count(limits: Limits) -> None:
    rate = Rate(60, 3600, burst=3)
    assert await spent(limits, 4, NOW, rate) == [True] * 3 + [False]
    assert await spent(limits, 2, NOW + 60, rate) == [True, False]


async def test_keys_are_apart(limits: Limits) -> None:
    await spent(limits, 10, NOW)
    assert (await limits.spend([Charge("b", TEN)], NOW)).allowed


async def test_a_cost_counts_as_often_as_it_says(limits: Limits) -> None:
    assert (await limits.spend([Charge("a", TEN, cost=8)], NOW)).allowed
    assert not (await limits.spend([Charge("a", TEN, cost=3)], NOW)).allowed
    assert (await limits.spend([Charge("a", TEN, cost=2)], NOW)).allowed


async def test_either_every_charge_or_none(limits: Limits) -> None:
    both = [Charge("resident", TEN), Charge("address", Rate(3, 3600))]
    allowed = [(await limits.spend(both, NOW)).allowed for _ in range(20)]
    assert allowed == [True] * 3 + [False] * 17
    assert (await limits.spend(both, NOW)).key == "address"
    alone = [(await limits.spend(both[:1], NOW)).allowed for _ in range(8)]
    assert alone == [True] * 7 + [False]
    assert (await limits.spend([], NOW)).allowed


async def test_what_was_harmless_is_given_back(limits: Limits) -> None:
    await spent(limits, 10, NOW)
    await limits.give_back([Charge("a", TEN)], NOW)
    assert await spent(limits, 2, NOW) == [True, False]
    for _ in range(50):
        await limits.give_back([Charge("a", TEN), Charge("never", TEN)], NOW)
    assert await spent(limits, 11, NOW) == [True] * 10 + [False]


async def test_sixty_four_at_once_share_ten(limits: Limits) -> None:
    verdicts = await asyncio.gather(*(limits.spend([Charge("a", TEN)], NOW) for _ in range(64)))
    assert sum(verdict.allowed for verdict in verdicts) == 10


async def test_a_clock_that_steps_back_gives_no_budget(limits: Limits) -> None:
    await spent(limits, 10, NOW)
    assert await spent(limits, 1, NOW - 5) == [False]


async def test_a_high_rate_is_exact_enough(limits: Limits) -> None:
    rate = Rate(5000, 1, burst=50)
    assert sum(await spent(limits, 60, NOW, rate)) == 50


@pytest.mark.parametrize("text", ["10", "10/", "/3600", "a/b", "0/10", "1/0", "1/2/3/4", "1/1/-1"])
def test_a_rate_is_written_as_count_and_seconds(text: str) -> None:
    assert Rate.parse("10/3600") == TEN
    assert Rate.parse("10/3600/3") == Rate(10, 3600, 3)
    with pytest.raises(ValueError, match=r"."):
        Rate.parse(text)


async def test_memory_is_bounded() -> None:
    limits = MemoryLimits(entries=100)
    once = Rate(1, 3600)
    for number in range(1000):
        assert (await limits.spend([Charge(str(number), once)], NOW)).allowed
    assert len(limits._full_at) == 100
    assert not (await limits.spend([Charge("999", once)], NOW)).allowed


@pytest.mark.server
async def test_processes_share_what_redis_holds_and_it_says_nothing(redis_url: str) -> None:
    first, second = (Redis(redis_url, SystemClock(), seconds=2) for _ in range(2))
    charge = [Charge("phone:+99955501234", Rate(1, 3600))]
    assert (await RedisLimits(first, SECRET, MemoryLimits()).spend(charge, NOW)).allowed
    assert not (await RedisLimits(second, SECRET, MemoryLimits()).spend(charge, NOW)).allowed
    other = RedisLimits(second, b"another secret of 16", MemoryLimits())
    assert (await other.spend(charge, NOW)).allowed
    names = await first._client.keys("*")
    assert len(names) == 2 and not any(b"555" in name for name in names)
    assert min([await first._client.pttl(name) for name in names]) > 0
    await asyncio.gather(first.close(), second.close())


@pytest.mark.server
@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_without_redis_each_process_goes_on_by_itself(how: str) -> None:
    """A dead Redis refuses connections, a stopped one accepts them and never answers."""
    with servers.redis_server() as server:
        redis = Redis(server.url, SystemClock(), seconds=0.15)
        limits = RedisLimits(redis, SECRET, MemoryLimits())
        assert (await limits.spend([Charge("a", TEN)], NOW)).allowed
        assert await redis.check() is None
        server.process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        started = asyncio.get_running_loop().time()
        assert await spent(limits, 200, NOW) == [True] * 10 + [False] * 190
        # three time-outs, then the breaker is open: not two hundred times 150 ms
        assert asyncio.get_running_loop().time() - started < 5
        assert await redis.check()
        server.process.send_signal(signal.SIGCONT)
        await redis.close()


@pytest.mark.server
async def test_redis_may_come_back_and_may_lose_its_scripts() -> None:
    clock = Steps()
    with servers.redis_server() as server:
        redis = Redis(server.url, clock, seconds=2)
        limits = RedisLimits(redis, SECRET, MemoryLimits())
        await spent(limits, 10, NOW)
        server.stop(signal.SIGKILL)
        assert (await limits.spend([Charge("a", TEN)], NOW)).allowed  # the local budget
        await spent(limits, 5, NOW)
        server.start(server.ready)
        clock.passed += 60
        assert await spent(limits, 11, NOW) == [True] * 10 + [False]  # an empty Redis again
        await redis.close()


class Steps:
    """A clock moved by hand."""

    passed = 0.0

    def now(self) -> int:
        return NOW

    def elapsed(self) -> float:
        return self.passed
