"""Enrolling a PIN or an application, and PINs that were hashed with other parameters."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from config.settings import Factors
from config.settings import Pin as PinSettings
from idp.factors import pin, totp
from idp.factors.factor import Busy, NotProven
from idp.factors.pin import Pin, WeakPin
from idp.factors.totp import Totp
from tests.factor_world import World, world
from tests.residents import NOW


@pytest.fixture
async def place(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, tmp_path) as there:
        yield there


def pins(place: World, **settings: int) -> Pin:
    factors = Factors(pin=PinSettings(**{"memory": 8, "rounds": 1, **settings}))
    factor = place.factor(pin, settings=factors)
    assert isinstance(factor, Pin)
    return factor


async def test_a_new_pin_replaces_the_old(place: World) -> None:
    factor = pins(place)
    await place.database.submit(await factor.enrol(place.amina.id, "٥٩ 26", NOW))
    assert await factor.prove(place.attempt(place.amina, "a"), "5926", NOW) == ()
    with pytest.raises(NotProven):
        await factor.prove(place.attempt(place.amina, "b"), "271828", NOW)


@pytest.mark.parametrize("chosen", ["", "123", "1234567890123", "1234", "0000", "abcd", "12 4x"])
async def test_a_pin_that_is_guessed_first_is_refused(place: World, chosen: str) -> None:
    with pytest.raises(WeakPin):
        await pins(place).enrol(place.amina.id, chosen, NOW)


async def test_a_hash_by_older_parameters_is_renewed_by_the_right_answer(place: World) -> None:
    old = await place.residents.secret(place.amina.id, "pin")
    factor = pins(place, memory=16, rounds=2)
    with pytest.raises(NotProven):
        await factor.prove(place.attempt(place.amina, "a"), "314159", NOW)
    writes = await factor.prove(place.attempt(place.amina, "b"), "271828", NOW)
    assert len(writes) == 1
    await place.database.submit(*writes)
    renewed = await place.residents.secret(place.amina.id, "pin")
    assert renewed is not None
    assert renewed != old
    assert renewed.startswith(b"$argon2id$v=19$m=16,t=2,p=1$")
    assert await factor.prove(place.attempt(place.amina, "c"), "271828", NOW) == ()


@pytest.mark.attack("A47")
async def test_when_no_thread_is_free_nothing_is_counted(place: World) -> None:
    @dataclass(frozen=True)
    class Full:
        full: bool = True

    factor, attempt = pins(place), place.attempt(place.amina)
    with pytest.raises(Busy):
        await replace(factor, hasher=Full()).prove(attempt, "271828", NOW)  # type: ignore[arg-type]
    assert (await factor.view(attempt, NOW)).tries_left == 5


async def test_an_application_is_enrolled_once_it_shows_a_code(place: World) -> None:
    factor = place.factor(totp)
    assert isinstance(factor, Totp)
    seed = totp.new_seed(place.parts.entropy)
    code = totp.code(seed, NOW // totp.STEP)
    for wrong in ("", "000000" if code != "000000" else "111111", totp.code(seed, NOW // 30 + 9)):
        with pytest.raises(NotProven):
            await factor.enrol(place.amina.id, seed, wrong, NOW)
    await place.database.submit(*await factor.enrol(place.amina.id, seed, code, NOW))
    attempt = place.attempt(place.amina)
    with pytest.raises(Refused):  # the code that enrolled it is used up
        await place.database.submit(*await factor.prove(attempt, code, NOW))
    later = NOW + 2 * totp.STEP
    code = totp.code(seed, later // totp.STEP)
    await place.database.submit(*await factor.prove(attempt, code, later))


async def test_a_code_of_the_window_is_used_once_as_time_goes_on(place: World) -> None:
    factor = place.factor(totp)
    seed = await place.residents.secret(place.amina.id, "totp")
    assert seed is not None
    code = totp.code(seed, NOW // totp.STEP)
    first = place.attempt(place.amina, "first")
    await place.database.submit(*await factor.prove(first, code, NOW - totp.STEP))
    for number, now in enumerate((NOW - totp.STEP, NOW, NOW + totp.STEP)):
        for write in place.parts.challenges().prune(now, 100):
            await place.database.submit(write)
        again = place.attempt(place.amina, f"again-{number}")
        with pytest.raises(Refused):
            await place.database.submit(*await factor.prove(again, code, now))
    with pytest.raises(NotProven):
        await factor.prove(place.attempt(place.amina, "late"), code, NOW + 2 * totp.STEP)
