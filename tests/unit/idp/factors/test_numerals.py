"""Digits as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.factors.numerals import LONGEST, typed_digits


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("123456", "123456"),
        (" 123 456\n", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("१२३४५६", "123456"),
        ("１２３４５６", "123456"),
        ("\u2066123\u00a0456\u2069\u200f", "123456"),
        ("000000", "000000"),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("-12345", None),
        ("+123456", None),
        ("1e5000", None),
        ("0x1234", None),
        ("12345.6", None),
        ("1234,56", None),
        ("①②③④⑤⑥", None),
        ("²²²²²²", None),
        ("六六六六六六", None),
        ("123456\0", None),
        ("", None),
        ("      ", None),
        ("\ud800", None),
    ],
)
def test_six_digits(typed: str, digits: str | None) -> None:
    assert typed_digits(typed, 6) == digits


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.binary(),
        st.lists(st.text()),
        st.dictionaries(st.text(), st.text()),
    )
)
def test_what_is_no_text_has_no_digits(answer: object) -> None:
    assert typed_digits(answer, 6) is None
    assert typed_digits(answer, 0, 100) is None


@given(st.text(st.characters(codec=None), max_size=2 * LONGEST))
def test_no_text_gives_anything_but_so_many_ascii_digits(typed: str) -> None:
    digits = typed_digits(typed, 4, 12)
    assert digits is None or (digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 12)
    if len(typed) > LONGEST:
        assert digits is None


@given(
    st.text("0123456789", min_size=6, max_size=6), st.sampled_from([0x660, 0x966, 0xFF10, 0x7C0])
)
def test_every_script_means_the_same_digits(digits: str, zero: int) -> None:
    written = "".join(chr(zero + int(digit)) for digit in digits)
    assert typed_digits(written, 6) == digits
