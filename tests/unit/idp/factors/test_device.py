"""The cookie of a browser that proved somebody before."""

import hmac
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.entropy import SystemEntropy
from config.runtime.web.answer import empty
from idp.factors.device import COOKIE, MOST_RESIDENTS, recognise, remember
from idp.residents.port import Resident, State
from keystore.door import Door, Mac, MacPurpose


@dataclass
class Keys(Door):
    """A door with one keyed hash: versions newest first."""

    versions: list[int] = field(default_factory=lambda: [1])
    asked: int = 0

    async def mac(self, purpose: MacPurpose, message: bytes) -> tuple[Mac, ...]:
        assert purpose is MacPurpose.DEVICE
        self.asked += 1
        return tuple(
            Mac(version, hmac.digest(bytes([version]) * 32, message, "sha256"))
            for version in self.versions
        )


def resident(name: str) -> Resident:
    return Resident(
        id=name, state=State.ACTIVE, locked_factors=frozenset(), enrolled=frozenset({"otp"})
    )


AMINA, BARAKA = resident("amina"), resident("baraka")
DICE = SystemEntropy()


async def recognised(keys: Keys, cookie: str | None, who: Resident | None) -> str | None:
    return (await recognise(keys, cookie, who)).device


async def test_a_browser_is_known_for_whom_it_proved_and_nobody_else() -> None:
    keys = Keys()
    cookie = await remember(keys, DICE, None, "amina")
    device = await recognised(keys, cookie, AMINA)
    assert device is not None
    assert await recognised(keys, cookie, BARAKA) is None
    assert await recognised(keys, cookie, None) is None
    assert await recognised(keys, None, AMINA) is None
    both = await remember(keys, DICE, cookie, "baraka")
    assert await recognised(keys, both, AMINA) == await recognised(keys, both, BARAKA) == device


async def test_the_cookie_tells_nobody_who_they_are_and_fits_a_cookie() -> None:
    cookie = await remember(Keys(), DICE, None, "amina")
    assert "amina" not in cookie
    answer = empty()
    answer.set_cookie(COOKIE, cookie, secure=True)


async def test_the_last_few_residents_are_remembered_once_each() -> None:
    keys = Keys()
    cookie = None
    for name in ("a", "b", "a", "c", "d", "e", "e"):
        cookie = await remember(keys, DICE, cookie, name)
    known = [name for name in "abcde" if await recognised(keys, cookie, resident(name))]
    assert known == ["a", "c", "d", "e"]
    assert len(known) == MOST_RESIDENTS


async def test_a_mark_made_by_an_older_key_still_counts_and_is_renewed() -> None:
    cookie = await remember(Keys([1]), DICE, None, "amina")
    assert await recognised(Keys([2, 1]), cookie, AMINA)
    assert await recognised(Keys([2]), cookie, AMINA) is None
    renewed = await remember(Keys([2, 1]), DICE, cookie, "amina")
    assert await recognised(Keys([2]), renewed, AMINA)
    assert len(renewed) == len(cookie)


async def test_two_browsers_have_two_names() -> None:
    keys = Keys()
    one, other = [await remember(keys, DICE, None, "amina") for _ in range(2)]
    assert await recognised(keys, one, AMINA) != await recognised(keys, other, AMINA)
    swapped = other.split(".")[0] + "." + one.split(".")[1]
    assert await recognised(keys, swapped, AMINA) is None


@pytest.mark.attack("A23")
async def test_looking_costs_the_same_whoever_is_asked_about() -> None:
    cookie = await remember(Keys(), DICE, None, "amina")
    made_up = (None, "", "x", cookie + "x", cookie[:22], "." * 50, "\ud800", "A" * 10_000)
    for given_cookie in (cookie, *made_up):
        for whom in (None, AMINA, BARAKA):
            keys = Keys()
            await recognised(keys, given_cookie, whom)
            assert keys.asked == (given_cookie == cookie)


@given(st.text(max_size=300))
async def test_no_cookie_that_was_made_up_is_known(cookie: str) -> None:
    keys = Keys()
    assert await recognised(keys, cookie, AMINA) is None
    fresh = await remember(keys, DICE, cookie, "amina")
    assert await recognised(keys, fresh, AMINA)
    assert len(fresh) < 200


async def test_marks_that_were_looked_at_are_not_asked_for_again() -> None:
    keys = Keys([2, 1])
    for who in (AMINA, BARAKA):  # known in this browser, and new in it
        cookie = await remember(Keys([1]), DICE, None, "amina")
        asked, found = keys.asked, await recognise(keys, cookie, who)
        renewed = await remember(keys, DICE, cookie, who.id, found.marks)
        assert keys.asked == asked + 1
        assert renewed == await remember(keys, DICE, cookie, who.id)
        assert await recognised(Keys([2]), renewed, who)
