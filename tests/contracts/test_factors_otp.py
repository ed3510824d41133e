"""One-time codes: sending, sending again, running out, and what the message says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from config.runtime.entropy import SystemEntropy
from config.settings import Factors, Otp
from idp.channels.channel import Channel, by_email, by_phone
from idp.factors import otp
from idp.factors.factor import Attempt, Factor, NotProven
from idp.residents.port import Resident
from tests.factor_world import FAST, World, world
from tests.factor_world import rates as limits
from tests.residents import NOW

DELAY = 30
LIFE = 300


@pytest.fixture
async def place(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database, tmp_path) as there:
        yield there


async def code(place: World, factor: Factor, attempt: Attempt, now: int = NOW) -> str:
    """Ask for a code and return the one that was queued last."""
    await factor.offer(attempt, now)
    return (await place.letters())[-1].code


async def proves(place: World, factor: Factor, attempt: Attempt, answer: str, now: int) -> bool:
    try:
        await place.database.submit(*await factor.prove(attempt, answer, now))
    except (NotProven, Refused):
        return False
    return True


async def test_the_code_lives_until_it_expires(place: World) -> None:
    factor = place.factor(otp)
    first, second = (place.attempt(place.amina, f"login-{n}") for n in (1, 2))
    one, other = await code(place, factor, first), await code(place, factor, second)
    assert (await factor.view(first, NOW)).expires_at == NOW + LIFE
    assert await proves(place, factor, first, one, NOW + LIFE - 1)
    assert not await proves(place, factor, second, other, NOW + LIFE)


async def test_the_code_ends_with_its_login(place: World) -> None:
    factor = place.factor(otp)
    attempt = place.attempt(place.amina, login_ends_at=NOW + 60)
    sent = await code(place, factor, attempt)
    assert not await proves(place, factor, attempt, sent, NOW + 60)
    assert (await place.messages())[-1].expires_at == NOW + 60


async def test_a_new_code_voids_the_old_and_comes_after_a_delay(place: World) -> None:
    factor, attempt = place.factor(otp), place.attempt(place.amina)
    old = await code(place, factor, attempt)
    told = await factor.offer(attempt, NOW + DELAY - 1)
    assert told.resend_at == NOW + DELAY
    assert len(await place.messages()) == 1
    new = await code(place, factor, attempt, NOW + DELAY)
    assert len(await place.messages()) == 2
    assert old == new or not await proves(place, factor, attempt, old, NOW + DELAY)
    assert await proves(place, factor, attempt, new, NOW + DELAY)


async def test_a_login_sends_three_codes_and_tries_count_over_all(place: World) -> None:
    factor, attempt = place.factor(otp), place.attempt(place.amina)
    for number in range(3):
        sent = await code(place, factor, attempt, NOW + number * DELAY)
        assert not await proves(place, factor, attempt, wrong(sent), NOW + number * DELAY)
    told = await factor.offer(attempt, NOW + 3 * DELAY)
    assert (told.resend_at, told.tries_left) == (None, 2)
    assert len(await place.messages()) == 3
    assert await proves(place, factor, attempt, sent, NOW + 3 * DELAY)


async def test_after_the_last_try_no_more_codes_are_sent(place: World) -> None:
    factor, attempt = place.factor(otp), place.attempt(place.amina)
    sent = await code(place, factor, attempt)
    for _ in range(5):
        assert not await proves(place, factor, attempt, wrong(sent), NOW)
    told = await factor.offer(attempt, NOW + DELAY)
    assert (told.resend_at, told.tries_left) == (None, 0)
    assert len(await place.messages()) == 1


async def test_many_requests_for_a_code_at_once_send_one(place: World) -> None:
    factor, attempt = place.factor(otp), place.attempt(place.amina)
    offers = await asyncio.gather(*(factor.offer(attempt, NOW) for _ in range(32)))
    assert len(set(offers)) == 1
    assert len(await place.messages()) == 1
    assert await proves(place, factor, attempt, (await place.letters())[0].code, NOW)


async def test_naming_somebody_else_needs_another_code(place: World) -> None:
    """An attacker's own code, asked for under their own name, proves nobody else."""
    factor = place.factor(otp)
    own = place.attempt(place.baraka)
    sent = await code(place, factor, own)
    victim = replace(own, resident=place.amina, round=1)
    assert not await proves(place, factor, victim, sent, NOW)
    await factor.offer(victim, NOW)  # at once: the delay is for the same person
    letters = await place.letters()
    assert [letter.to for letter in letters] == ["+447700900456", "+447700900123"]
    assert not await proves(place, factor, victim, sent, NOW)
    assert not await proves(place, factor, replace(own, round=2), sent, NOW)
    assert await proves(place, factor, victim, letters[1].code, NOW)


@pytest.mark.attack("A22")
async def test_a_code_of_another_login_proves_nothing(place: World) -> None:
    factor = place.factor(otp)
    one, other = (place.attempt(place.amina, f"login-{n}") for n in (1, 2))
    sent, theirs = await code(place, factor, one), await code(place, factor, other)
    assert sent == theirs or not await proves(place, factor, other, sent, NOW)


async def test_nobody_gets_a_message_and_as_much_is_written(place: World) -> None:
    factor = place.factor(otp)
    for number, resident in enumerate((None, place.charity)):
        offer = await factor.offer(place.attempt(resident, f"login-{number}"), NOW)
        assert (offer.resend_at, offer.tries_left) == (NOW + DELAY, 5)
    assert await place.messages() == []
    assert await place.unsent() == 2


async def test_neither_the_code_nor_the_address_lies_in_the_database(
    place: World, database_url: str
) -> None:
    attempt = place.attempt(place.amina)
    sent = await code(place, place.factor(otp), attempt)
    if not database_url.startswith("sqlite"):
        pytest.skip("the raw file is SQLite's")
    base = Path(database_url.removeprefix("sqlite:///"))
    raw = b"".join(file.read_bytes() for file in base.parent.glob(base.name + "*"))
    for secret in (sent.encode() + b" is your code", b"7700900123", b"amina@example"):
        assert secret not in raw


async def test_the_message_is_short_and_says_who_asks_and_what_for(place: World) -> None:
    attempt = place.attempt(place.amina, locale="sw", purpose="ili kukuonyesha miadi yako")
    sent = await code(place, place.factor(otp), attempt)
    letter = (await place.letters())[0]
    message = (await place.messages())[0]
    assert letter.text.startswith(sent)
    assert "Clinic (ili kukuonyesha miadi yako)" in letter.text
    assert "kuingia" in letter.text
    assert letter.text.endswith(f"\n@id.example #{sent}")
    assert (letter.to, letter.medium, letter.aliases) == (
        "+447700900123",
        "sms",
        ("amina@example.org",),
    )
    assert (message.kind, message.expires_at) == ("inbox", NOW + LIFE)


@pytest.mark.parametrize(
    ("channels", "kind", "to"),
    [
        ((("sms", by_phone), ("email", by_email)), "sms", "+447700900123"),
        ((("email", by_email), ("sms", by_phone)), "email", "amina@example.org"),
        ((("sms", lambda addresses: None), ("email", by_email)), "email", "amina@example.org"),
    ],
)
async def test_the_first_channel_that_reaches_the_person_is_taken(
    place: World, channels: Any, kind: str, to: str
) -> None:
    factor = place.factor(otp, channels=[Channel(*each) for each in channels])
    await code(place, factor, place.attempt(place.amina))
    assert (await place.messages())[0].kind == kind
    assert (await place.letters())[0].to == to


async def test_without_a_channel_that_reaches_them_all_looks_the_same(place: World) -> None:
    factor = place.factor(otp, channels=())
    offer = await factor.offer(place.attempt(place.amina), NOW)
    assert offer == await factor.offer(place.attempt(None, "login-2"), NOW)
    assert (await place.messages(), await place.unsent()) == ([], 2)


BUDGETS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"otp_sends_per_resident": "4/3600"}, {}),
    ({"otp_sends_per_phone": "2/3600"}, {"elsewhere": True}),
    ({"otp_sends_per_prefix": "2/3600"}, {"elsewhere": True, "other": True}),
    ({"otp_sends_per_client": "2/3600"}, {"elsewhere": True, "other": True}),
    ({"sends_per_address": "2/3600"}, {"other": True}),
]


@pytest.mark.attack("A22")
@pytest.mark.parametrize(("rates", "spread"), BUDGETS, ids=[next(iter(r)) for r, _ in BUDGETS])
async def test_beyond_a_budget_no_code_is_sent_and_nothing_shows(
    place: World, rates: dict[str, str], spread: dict[str, Any]
) -> None:
    factor = place.factor(otp, rates=limits(**rates))

    def attempt(number: int, **more: Any) -> Attempt:
        whom: Resident = place.baraka if spread.get("other") and number % 2 else place.amina
        address = f"198.51.100.{number}" if spread.get("elsewhere") else "192.0.2.66"
        return place.attempt(whom, f"flood-{number}", address=address, **more)

    offers = [await factor.offer(attempt(number), NOW) for number in range(6)]
    assert len(await place.messages()) == 2
    assert len(set(offers)) == 1
    # Time gives back what was spent; a browser that the person used before never lost it.
    mine = attempt(10, device="known-browser")
    assert await proves(place, factor, mine, await code(place, factor, mine), NOW)
    assert len(await place.messages()) == 3
    await factor.offer(attempt(12), NOW + 3600)
    assert len(await place.messages()) == 4


class LoadedDice(SystemEntropy):
    """Every code is the same, so that a guess can be right."""

    def digits(self, count: int) -> str:
        return "4" * count


@pytest.mark.attack("A22")
@pytest.mark.parametrize("who", ["over budget", "unreachable", "locked"])
async def test_a_code_that_was_not_sent_cannot_be_guessed(place: World, who: str) -> None:
    more: dict[str, Any] = {"channels": ()} if who == "unreachable" else {}
    factor = place.factor(
        otp, entropy=LoadedDice(), rates=limits(otp_sends_per_phone="1/3600"), **more
    )
    if who == "over budget":
        first = place.attempt(place.amina, "first")
        assert await code(place, factor, first) == "444444"
    attempt = place.attempt(place.charity if who == "locked" else place.amina)
    await factor.offer(attempt, NOW)
    sent = len(await place.messages())
    assert not await proves(place, factor, attempt, "444444", NOW)
    assert sent == (1 if who == "over budget" else 0)


async def test_one_network_cannot_use_up_the_codes_of_somebody(place: World) -> None:
    factor = place.factor(otp, rates=limits(otp_sends_per_resident="10/3600"))
    for number in range(50):
        await factor.offer(place.attempt(place.amina, f"flood-{number}", address="192.0.2.66"), NOW)
    assert len(await place.messages()) == 5
    mine = place.attempt(place.amina, "mine", address="203.0.113.9")
    assert await proves(place, factor, mine, await code(place, factor, mine), NOW)


async def test_a_right_answer_many_times_gives_its_charges_back_once(place: World) -> None:
    """Else whoever has a number of their own could flood others without end."""
    factor = place.factor(otp, rates=limits(sends_per_address="4/3600"))
    for number in range(3):
        await factor.offer(place.attempt(place.amina, f"flood-{number}"), NOW)
    own = place.attempt(place.baraka, "own")
    sent = await code(place, factor, own)
    answers = await asyncio.gather(*(proves(place, factor, own, sent, NOW) for _ in range(4)))
    assert sum(answers) == 1
    before = len(await place.messages())
    for number in range(10):
        await factor.offer(place.attempt(place.charity, f"more-{number}"), NOW)
        await factor.offer(place.attempt(place.amina, f"again-{number}"), NOW)
    assert len(await place.messages()) <= before + 1


@pytest.mark.parametrize("digits", [4, 8])
async def test_the_length_of_codes_is_a_setting(place: World, digits: int) -> None:
    settings = Factors(otp=Otp(digits=digits), pin=FAST.pin)
    factor, attempt = place.factor(otp, settings=settings), place.attempt(place.amina)
    sent = await code(place, factor, attempt)
    assert len(sent) == digits
    assert await proves(place, factor, attempt, sent, NOW)


def wrong(sent: str) -> str:
    return "000000" if sent != "000000" else "000001"
