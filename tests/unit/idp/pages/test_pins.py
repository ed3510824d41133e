"""Which PINs a person may choose on their own page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.flows.me_pins import BORN, GUESSED, SHORT, weakness


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("12345", SHORT),
        ("1" * 13, SHORT),
        ("000000", GUESSED),
        ("890123", GUESSED),
        ("246802", GUESSED),
        ("131313", GUESSED),
        ("471471", GUESSED),
        ("448800", GUESSED),
        ("100001", GUESSED),
        ("140591", BORN),
        ("910514", BORN),
        ("19910514", BORN),
        ("051491", BORN),
        ("493827", ""),
        ("140592", ""),
    ],
)
def test_what_others_guess_first_is_weak(pin: str, why: str) -> None:
    assert weakness(pin, "1991-05-14") == why


@given(st.text("0123456789", max_size=14), st.text(max_size=12))
def test_a_birthdate_of_any_form_is_no_error(pin: str, birthdate: str) -> None:
    assert weakness(pin, birthdate) in (SHORT, GUESSED, BORN, "")
