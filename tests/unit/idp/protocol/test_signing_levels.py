"""Approving a signature needs a level of its own, whatever else the client wishes."""

import pytest

from config.settings.issuers import LADDER
from idp.protocol.acr import Ladder, Wanted

OTP, PIN, TWO = LADDER[0].name, LADDER[1].name, LADDER[3].name
FACTORS = ("otp", "pin", "totp")
DEFAULT = Ladder.of(LADDER, FACTORS)
FROM_PIN = Ladder.of(LADDER, FACTORS, PIN)


@pytest.mark.parametrize("values", [(), (OTP,), (OTP, TWO), ("unheard of",)])
def test_nothing_below_the_highest_level_will_do(values: tuple[str, ...]) -> None:
    wanted = Wanted(values, signing=True)
    assert not DEFAULT.enough(wanted, ("otp",), FACTORS)
    assert set(DEFAULT.choices(wanted, ("otp",), FACTORS)) == {"pin", "totp"}
    assert DEFAULT.enough(wanted, ("otp", "pin"), FACTORS)
    assert DEFAULT.achieved(wanted, ("otp", "pin")) == TWO, "not the lower one that was wished for"


def test_who_cannot_reach_it_signs_nothing() -> None:
    wanted = Wanted(signing=True)
    assert not DEFAULT.enough(wanted, ("otp",), ("otp",))
    assert DEFAULT.choices(wanted, ("otp",), ("otp",)) == ()
    assert DEFAULT.enough(Wanted((TWO,)), ("otp",), ("otp",)), "a wish alone does not bar a login"


def test_a_lower_level_may_be_set_and_higher_ones_do_as_well() -> None:
    wanted = Wanted(signing=True)
    assert FROM_PIN.enough(wanted, ("pin",), FACTORS)
    assert FROM_PIN.enough(wanted, ("otp", "totp"), FACTORS)
    assert not FROM_PIN.enough(wanted, ("otp",), FACTORS)


def test_a_demand_below_it_is_impossible_and_one_above_is_kept() -> None:
    assert not DEFAULT.possible(Wanted((OTP,), essential=True, signing=True))
    assert DEFAULT.possible(Wanted((TWO,), essential=True, signing=True))
    strict = Wanted((TWO,), essential=True, signing=True)
    assert not FROM_PIN.satisfied(strict, ("pin",))


def test_a_level_whose_factors_are_off_lets_nobody_sign() -> None:
    ladder = Ladder.of(LADDER, ("otp",), PIN)
    assert not ladder.possible(Wanted(signing=True))
    assert not ladder.enough(Wanted(signing=True), ("otp",), ("otp",))
    assert ladder.possible(Wanted())
