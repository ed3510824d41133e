"""The contract of a factor, held by one-time codes, PINs and authenticator codes on both databases.

Every test here runs for each factor: what proves, what never does, what is counted, what is alike
for somebody and for nobody, and what happens at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Refused
from idp.factors import otp, pin, totp
from idp.factors.factor import Attempt, Factor, NotJudged, NotProven, TooMany
from idp.residents.port import Resident, State
from tests.factor_world import SEED, World, rates, world
from tests.residents import NOW

WRONG = {"otp": "000000", "pin": "314159", "totp": "000000"}
TRIES = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One factor in the world, and how to answer it rightly."""

    world: World
    module: ModuleType
    factor: Factor

    async def right(self, attempt: Attempt, now: int = NOW) -> str:
        """Go to the factor's page and return the right answer of Amina."""
        await self.factor.offer(attempt, now)
        match self.factor.name:
            case "otp":
                return (await self.world.letters())[-1].code
            case "pin":
                return "271828"
        return totp.code(SEED, now // 30)

    def wrong(self, right: str = "") -> str:
        """Return an answer of the right shape that is not right."""
        return WRONG[self.factor.name] if right != WRONG[self.factor.name] else "000001"

    async def proves(self, attempt: Attempt, answer: str, now: int = NOW) -> bool:
        """Answer as the login flow does: what was proven is used up in one unit."""
        try:
            writes = await self.factor.prove(attempt, answer, now)
            await self.world.database.submit(*writes)
        except (NotProven, Refused):
            return False
        return True

    def again(self, **changes: Any) -> "Case":
        return replace(self, factor=self.world.factor(self.module, **changes))


@pytest.fixture(params=[otp, pin, totp], ids=lambda module: module.NAME)
async def case(
    request: pytest.FixtureRequest, database: OpenDatabase, tmp_path: Path
) -> AsyncIterator[Case]:
    async with world(database, tmp_path) as place:
        yield Case(place, request.param, place.factor(request.param))


async def test_the_right_answer_proves(case: Case) -> None:
    attempt = case.world.attempt(case.world.amina)
    assert await case.proves(attempt, await case.right(attempt))


async def test_it_proves_in_the_digits_of_another_script_and_with_spaces(case: Case) -> None:
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    arabic = right.translate({ord(str(digit)): chr(0x660 + digit) for digit in range(10)})
    assert await case.proves(attempt, f" {arabic[:3]}\u00a0{arabic[3:]}\u200f\n")


@pytest.mark.attack("A22")
@pytest.mark.parametrize(
    "shape",
    [
        lambda right: "",
        lambda right: " ",
        lambda right: right[:-1] + "x",
        lambda right: right + "\0",
        lambda right: right + "0" * 60,
        lambda right: right * 10_000,
        lambda right: "-" + right,
        lambda right: right + ".0",
        lambda right: None,
        lambda right: [right],
        lambda right: [],
        lambda right: {},
        lambda right: int(right),
        lambda right: True,
        lambda right: right.encode(),
        lambda right: "\ud800" * 6,
        lambda right: "²" * 6,
        lambda right: "Ⅵ" * 6,
    ],
)
async def test_nothing_but_the_digits_proves(case: Case, shape: Callable[[str], Any]) -> None:
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    assert not await case.proves(attempt, shape(right))
    assert await case.proves(attempt, right), "a slip of the finger costs nothing"


async def test_a_login_takes_five_answers_and_not_one_more(case: Case) -> None:
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    for left in range(TRIES, 0, -1):
        assert (await case.factor.view(attempt, NOW)).tries_left == left
        assert not await case.proves(attempt, case.wrong(right))
    assert (await case.factor.view(attempt, NOW)).tries_left == 0
    assert not await case.proves(attempt, right)


@pytest.mark.attack("A22")
async def test_of_64_wrong_answers_at_once_five_are_compared(case: Case) -> None:
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    compared = []
    if case.factor.name == "pin":  # what is compared shows in how often the hash is computed
        hasher = case.factor.hasher  # type: ignore[attr-defined]
        verify = hasher.verify

        class Noted:
            full = False

            async def verify(self, encoded: bytes | None, typed: str) -> bool:
                compared.append(typed)
                return bool(await verify(encoded, typed))

        case = replace(case, factor=replace(case.factor, hasher=Noted()))  # type: ignore[type-var]
    answers = await asyncio.gather(*(case.proves(attempt, case.wrong(right)) for _ in range(64)))
    assert not any(answers)
    assert len(compared) in (0, TRIES)
    assert (await case.factor.view(attempt, NOW)).tries_left == 0
    assert not await case.proves(attempt, right)


async def test_64_right_answers_at_once_are_one_proof(case: Case) -> None:
    if case.factor.name == "pin":
        pytest.skip("a PIN is no single-use secret; the moved login is what happens once")
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    answers = await asyncio.gather(*(case.proves(attempt, right) for _ in range(64)))
    assert sum(answers) == 1
    assert not await case.proves(attempt, right)


async def test_right_answers_of_many_logins_at_once_share_one_step(case: Case) -> None:
    if case.factor.name != "totp":
        pytest.skip("only an authenticator's code is the same in two logins")
    attempts = [case.world.attempt(case.world.amina, f"login-{n}") for n in range(64)]
    right = await case.right(attempts[0])
    answers = await asyncio.gather(*(case.proves(attempt, right) for attempt in attempts))
    assert sum(answers) == 1


@pytest.mark.attack("A21")
@pytest.mark.parametrize("moment", ["before", "between"])
@pytest.mark.parametrize(
    "change",
    [
        lambda resident, factor: replace(resident, locked_factors=frozenset({factor})),
        lambda resident, factor: replace(resident, enrolled=resident.enrolled - {factor}),
        lambda resident, factor: replace(resident, state=State.LOCKED),
        lambda resident, factor: replace(resident, state=State.EXPIRED),
        lambda resident, factor: replace(resident, state=State.DECEASED),
    ],
    ids=["locked factor", "not enrolled", "locked", "expired", "deceased"],
)
async def test_who_may_not_use_it_proves_nothing(
    case: Case, change: Callable[[Resident, str], Resident], moment: str
) -> None:
    attempt = case.world.attempt(case.world.amina)
    barred = replace(attempt, resident=change(case.world.amina, case.factor.name))
    if moment == "before":
        await case.factor.offer(barred, NOW)
        right = "000000" if case.factor.name == "otp" else await case.right(barred)
    else:
        right = await case.right(attempt)
    assert not await case.proves(barred, right)


async def test_another_person_is_not_proven(case: Case) -> None:
    attempt = case.world.attempt(case.world.amina)
    right = await case.right(attempt)
    if case.factor.name == "otp":  # the other two have the same secrets in the samples
        assert not await case.proves(replace(attempt, resident=case.world.baraka), right)
        assert not await case.proves(replace(attempt, resident=case.world.baraka, round=1), right)
    assert not await case.proves(replace(attempt, resident=None), right)


@pytest.mark.attack("A23")
async def test_somebody_and_nobody_cost_the_same_calls(case: Case) -> None:
    place = case.world
    costs = {}
    people = {
        "warm": place.baraka,
        "amina": place.amina,
        "nobody": None,
        "locked": place.charity,
        "deceased": replace(place.baraka, state=State.DECEASED),
    }
    for name, resident in people.items():
        attempt = place.attempt(resident, f"login-{name}")
        place.database.asked.clear()
        place.door.asked.clear()
        offers = [await case.factor.offer(attempt, NOW)]
        assert not await case.proves(attempt, case.wrong())
        offers.append(await case.factor.view(attempt, NOW))
        costs[name] = (offers, list(place.database.asked), list(place.door.asked))
    expected = costs.pop("amina")
    for name, cost in costs.items():
        assert name == "warm" or cost == expected, name


@pytest.mark.long
@pytest.mark.attack("A22")
async def test_ten_thousand_guesses_over_many_logins_stay_within_the_budget(case: Case) -> None:
    case = case.again(rates=rates(wrong_answers_per_resident="20/3600"))
    place = case.world
    compared = await _compared(case, logins=2000)
    assert compared <= 20
    # The person is not shut out: the browser that knows them has a budget of its own.
    mine = place.attempt(place.amina, "mine", device="known-browser", address="203.0.113.1")
    assert await case.proves(mine, await case.right(mine))


async def _compared(case: Case, logins: int) -> int:
    """Guess five times in each login, each from another network; return how many were judged."""

    async def guess(number: int) -> int:
        judged = 0
        address = f"198.{18 + number % 2}.{number // 250 % 250}.{number % 250}"
        attempt = case.world.attempt(case.world.amina, f"guess-{number}", address=address)
        for _ in range(TRIES):
            try:
                await case.factor.prove(attempt, case.wrong(), NOW)
            except NotProven as refusal:
                judged += not isinstance(refusal, TooMany | NotJudged)
        return judged

    judged = 0
    for start in range(0, logins, 25):
        judged += sum(await asyncio.gather(*(guess(start + number) for number in range(25))))
    return judged


async def test_one_network_takes_half_of_a_budget_at_most(case: Case) -> None:
    case = case.again(rates=rates(wrong_answers_per_resident="20/3600"))
    place = case.world
    for number in range(20):
        attempt = place.attempt(place.amina, f"guess-{number}", address="192.0.2.66")
        assert not await case.proves(attempt, case.wrong())
    mine = place.attempt(place.amina, "mine", address="203.0.113.1")
    assert await case.proves(mine, await case.right(mine))
    theirs = place.attempt(place.amina, "theirs", address="192.0.2.66")
    later = NOW + 30
    assert not await case.proves(theirs, await case.right(theirs, later), later)


async def test_right_answers_use_up_no_budget(case: Case) -> None:
    tight = rates(
        wrong_answers_per_resident="2/3600",
        wrong_answers_per_address="1/3600",
        otp_sends_per_resident="2/3600",
        otp_sends_per_phone="1/3600",
        otp_sends_per_prefix="1/3600",
        otp_sends_per_client="1/3600",
        sends_per_address="1/3600",
    )
    case = case.again(rates=tight)
    for number in range(6):
        attempt = case.world.attempt(case.world.amina, f"login-{number}")
        now = NOW + 30 * number
        assert await case.proves(attempt, await case.right(attempt, now), now), number
