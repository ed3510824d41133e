"""User codes: made, shown, typed (RFC 8628 §6.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.entropy import SystemEntropy
from idp.protocol.device import RANDOM_DIGITS, device_answer, shown, typed, user_code

DIGITS = st.text("0123456789", min_size=11, max_size=11)


@given(DIGITS)
def test_what_is_shown_can_be_typed(digits: str) -> None:
    code = user_code(digits)
    assert code[:11] == digits and len(shown(code)) == 14
    assert typed(shown(code)) == typed(code) == code


@given(DIGITS, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(digits: str, place: int, off: int) -> None:
    code = user_code(digits)
    wrong = str((int(code[place]) + off) % 10)
    assert typed(code[:place] + wrong + code[place + 1 :]) is None


@given(DIGITS, st.integers(0, 10))
def test_two_digits_that_were_swapped_are_noticed(digits: str, place: int) -> None:
    code = user_code(digits)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert swapped == code or typed(swapped) is None


@given(st.text(max_size=80))
def test_anything_may_be_typed(text: str) -> None:
    code = typed(text)
    assert code is None or (len(code) == 12 and code.isascii() and code.isdigit())


@pytest.mark.parametrize(
    "text", ["", "-", "1" * 65, "4821-0937-551x", "0" * 11, "0" * 13, "²" * 12]
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert typed(text) is None


@given(DIGITS, st.sampled_from("٠०０𝟎"))  # digits of other scripts, each with its nine followers
def test_digits_of_every_script_are_read(digits: str, zero: str) -> None:
    code = user_code(digits)
    assert typed("".join(chr(ord(zero) + int(digit)) for digit in code)) == code


def test_no_two_codes_are_alike() -> None:
    made = {user_code(SystemEntropy().digits(RANDOM_DIGITS)) for _ in range(1000)}
    assert len(made) > 990


@pytest.mark.spec("RFC 8628 §3.2")
def test_the_answer_to_the_device_lies_under_the_issuer() -> None:
    code = user_code("12345678901")
    answer = device_answer("https://id.example/tenant", "secret", code, 300)
    assert answer["verification_uri"] == "https://id.example/tenant/device"
    assert answer["verification_uri_complete"].startswith("https://id.example/tenant/device/1234-")
    assert answer["expires_in"] == 300 and answer["interval"] == 5
