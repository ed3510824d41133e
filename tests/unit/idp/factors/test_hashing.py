"""PIN hashes: off the event loop, so many at once, alike for nobody, renewed in time."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from config.runtime.entropy import SystemEntropy
from config.settings import Pin as PinSettings
from idp.factors.factor import Busy
from idp.factors.hashing import WAITING_PER_THREAD, Hasher
from idp.factors.pin import weak

FAST = PinSettings(memory=8, rounds=1, concurrent=2)


@pytest.fixture
async def hasher() -> AsyncIterator[Hasher]:
    made = Hasher(FAST, SystemEntropy())
    yield made
    made.close()


async def test_a_hash_is_of_its_pin_only(hasher: Hasher) -> None:
    encoded = await hasher.hash("271828")
    assert encoded.startswith(b"$argon2id$v=19$m=8,t=1,p=1$")
    assert await hasher.verify(encoded, "271828")
    assert not await hasher.verify(encoded, "271829")
    assert not await hasher.verify(None, "271828")
    assert encoded != await hasher.hash("271828")


@pytest.mark.attack("A47")
@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"271828",
        b"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzYWx0$" + b"A" * 43,
        b"$argon2id$v=19$m=8,t=900,p=1$c29tZXNhbHRzYWx0$" + b"A" * 43,
        b"$argon2id$v=19$m=4096,t=1,p=200$c29tZXNhbHRzYWx0$" + b"A" * 43,
        b"$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHRzYWx0$" + b"A" * 43,
        b"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzYWx0$" + b"A" * 43 + b"\n",
    ],
)
async def test_what_is_no_hash_or_asks_too_much_is_of_no_pin(
    hasher: Hasher, encoded: bytes
) -> None:
    assert not await hasher.verify(encoded, "271828")


@pytest.mark.attack("A47")
async def test_beyond_so_many_at_once_it_says_busy_and_recovers() -> None:
    slow = Hasher(PinSettings(memory=8192, rounds=2, concurrent=1), SystemEntropy())
    most = 1 + WAITING_PER_THREAD
    outcomes = await asyncio.gather(
        *(slow.verify(None, "1") for _ in range(3 * most)), return_exceptions=True
    )
    assert [type(each) for each in outcomes].count(Busy) == 2 * most
    assert outcomes.count(False) == most
    assert not slow.full
    assert await slow.verify(None, "1") is False
    slow.close()


async def test_who_stops_waiting_does_not_make_room_before_the_thread_is_free() -> None:
    slow = Hasher(PinSettings(memory=8, rounds=1, concurrent=1), SystemEntropy())
    released = threading.Event()
    slow._threads.submit(released.wait)  # the only thread is taken for as long as the test wants
    waiting = [asyncio.create_task(slow.verify(None, "1")) for _ in range(1 + WAITING_PER_THREAD)]
    await asyncio.sleep(0)
    for task in waiting[2:]:
        task.cancel()
    await asyncio.gather(*waiting[2:], return_exceptions=True)
    assert slow.full
    with pytest.raises(Busy):
        await slow.verify(None, "1")
    released.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    slow.close()


async def test_the_event_loop_turns_while_a_hash_is_made() -> None:
    slow = Hasher(PinSettings(memory=65536, rounds=3, concurrent=1), SystemEntropy())
    running = asyncio.create_task(slow.hash("271828"))
    turns = 0
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 3
    slow.close()


async def test_a_hash_by_other_parameters_is_outdated(hasher: Hasher) -> None:
    encoded = await hasher.hash("271828")
    assert not hasher.outdated(encoded)
    for settings in (PinSettings(memory=16, rounds=1), PinSettings(memory=8, rounds=2)):
        other = Hasher(settings, SystemEntropy())
        assert other.outdated(encoded)
        other.close()


@pytest.mark.parametrize("pin", ["0000", "1234", "4321", "890123", "2468", "1111111"])
def test_what_is_guessed_first_is_weak(pin: str) -> None:
    assert weak(pin)


@pytest.mark.parametrize("pin", ["1235", "2718", "1122", "633168"])
def test_others_are_not(pin: str) -> None:
    assert not weak(pin)
