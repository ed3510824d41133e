"""However a person writes an identifier, it is one identifier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.residents.normalising import (
    LONGEST,
    Kind,
    Numbering,
    candidates,
    handle,
    is_telephone,
    number,
    telephone,
)

BRITAIN = Numbering(country_code="44")
KENYA = Numbering(country_code="254", trunk_prefix="0")
NOWHERE = Numbering()


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("1234567890", "1234567890"),
        ("12 3456-7890", "1234567890"),
        ("１２３４５６７８９０", "1234567890"),
        ("١٢٣٤٥٦٧٨٩٠", "1234567890"),
        ("१२३४५६७८९०", "1234567890"),
        ("12345678\u200f90\u00a0", "1234567890"),
        ("1234\u2013567\u2212890", "1234567890"),
        ("ab-12.345/z", "ab12345z"),
        ("AB12345Z", "ab12345z"),
    ],
)
def test_numbers_lose_what_people_write_between_digits(typed: str, normal: str) -> None:
    assert number(typed) == normal


@pytest.mark.parametrize(
    ("typed", "numbering", "normal"),
    [
        ("+44 7700 900123", NOWHERE, "+447700900123"),
        ("07700 900123", BRITAIN, "+447700900123"),
        ("7700900123", BRITAIN, "+447700900123"),
        ("0044 7700 900123", BRITAIN, "+447700900123"),
        ("(07700) 900 123", BRITAIN, "+447700900123"),
        ("0712-345-678", KENYA, "+254712345678"),
        ("＋٤٤٧٧٠٠٩٠٠١٢٣", NOWHERE, "+447700900123"),
        ("447700900123", NOWHERE, "+447700900123"),
    ],
)
def test_telephones_become_e164(typed: str, numbering: Numbering, normal: str) -> None:
    assert telephone(typed, numbering) == normal
    assert handle(typed, numbering) == normal
    assert handle(f"{typed}@phone", numbering) == normal
    assert is_telephone(normal)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Amina@Example.ORG", "amina@example.org"),
        (" amina @example.org\n", "amina@example.org"),
        ("ＡＭＩＮＡ＠example.org", "amina@example.org"),
        ("Straße@example.org", "strasse@example.org"),
        ("4711-0092@Ration-Card", "4711-0092@ration-card"),
        ("e\u0301va@example.org", "\u00e9va@example.org"),
    ],
)
def test_addresses_and_aliases_lose_their_capitals(typed: str, normal: str) -> None:
    assert handle(typed, BRITAIN) == normal


@given(st.text(max_size=400))
def test_any_text_is_one_candidate_of_each_kind(typed: str) -> None:
    made = candidates(typed, BRITAIN)
    assert [kind for kind, _ in made] == list(Kind)
    for _, text in made:
        text.encode()  # nothing that cannot be hashed
        assert len(text) <= LONGEST * 20


TYPED = "09٠٩०९０９aZßıİ @+-._()\u00a0\u200e\u2067\u2013\u2212مम"


@given(st.text(TYPED, max_size=60))
def test_a_normal_form_is_its_own_normal_form(typed: str) -> None:
    assert number(number(typed)) == number(typed)
    normal = handle(typed, BRITAIN)
    if "@" in normal and not normal.endswith("@phone"):
        assert handle(normal, BRITAIN) == normal


@given(st.from_regex(r"[1-9][0-9]{6,12}", fullmatch=True), st.data())
def test_separators_and_scripts_never_matter(digits: str, draw: st.DataObject) -> None:
    zero = draw.draw(st.sampled_from("0٠०۰০０"))
    between = draw.draw(st.sampled_from(["", " ", "-", "\u00a0", "\u200e", "\u2013"]))
    written = between.join(chr(ord(zero) + int(digit)) for digit in digits)
    assert number(written) == digits
    assert telephone("+" + written, BRITAIN) == "+" + digits
