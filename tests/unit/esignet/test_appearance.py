"""What a request may say about how a signature stands in a PDF, and what is refused by name."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.formats.format import FormatError
from esignet.formats.jpeg import read_jpeg
from esignet.protocol.appearance import (
    Appearance,
    BadAppearance,
    Filling,
    appearances,
    filled,
)
from tests.unit.esignet.formats.test_pades import JPEG

BOX = [50, 50, 250, 100]
FILLING = Filling(at=1795604394, document="{time}", signer="Ana", validation="https://a/validate")


def test_one_is_the_first_signers_and_a_list_has_its_order() -> None:
    shown = {"box": BOX, "text": "Seen", "page": -1}
    first, second = appearances(shown, 2)
    assert (first.box, first.text, first.page) == ((50, 50, 250, 100), "Seen", -1)
    assert second == Appearance()
    first, second = appearances([{}, {"field": "Seller", "certify": None}], 2)
    assert (first, second) == (Appearance(), Appearance(field="Seller"))
    (first,) = appearances({"certify": "forms", "page": 3}, 1)
    assert (first.certify, first.page) == (2, 2)


def test_placeholders_are_filled_once_and_what_fills_them_is_no_placeholder() -> None:
    text = "{date}|{time}|{document}|{signer}|{validation}"
    expected = "2026-11-25|2026-11-25 10:59 UTC|{time}|Ana|https://a/validate"
    assert filled(text, FILLING) == expected


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("x", "is an object"),
        ({"colour": "red"}, "is an object"),
        ([{}, {}, {}], "list of one for each signer"),
        ([{"field": "A"}, {"field": "A"}], "one field"),
        ([{}, {"certify": "forms"}], "only the first"),
        ({"certify": "all"}, "certify is one of"),
        ({"certify": []}, "certify is one of"),
        ({"box": BOX}, "needs a text"),
        ({"text": "Seen"}, "needs a box"),
        ({"box": BOX, "picture": "AAAA", "qr": "x"}, "not for both"),
        ({"box": [1, 1, 1, 2], "text": "x"}, "no extent"),
        ({"box": [1, 1, 2.5, 2], "text": "x"}, "whole points"),
        ({"box": [True, 1, 2, 2], "text": "x"}, "whole points"),
        ({"page": 0}, "page is a number"),
        ({"page": True}, "page is a number"),
        ({"box": BOX, "text": "a\u202eb"}, "cannot be seen"),
        ({"box": BOX, "text": "\u2800"}, "cannot be seen"),
        ({"box": BOX, "text": "a\n\nb"}, "lines of 1 to"),
        ({"box": BOX, "text": "\n".join("abcdefghi")}, "at most 8 lines"),
        ({"box": BOX, "text": "x" * 301}, "at most 300"),
        ({"box": BOX, "text": "{name}"}, "after the approval"),
        ({"box": BOX, "text": "{signer.__class__}"}, "no other braces"),
        ({"box": BOX, "qr": "{date"}, "no other braces"),
        ({"reason": 1}, "reason is a text"),
        ({"location": " Accra"}, "without spaces around"),
        ({"picture": "_"}, "no base64"),
        ({"picture": "A" * 140_000}, "at most 100000"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(value: object, word: str) -> None:
    with pytest.raises(BadAppearance, match=word):
        appearances(value, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(BOX),
    lambda some: st.lists(some, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["field", "page", "box", "text", "picture", "qr", "certify", "reason", "location"]
)


@given(st.dictionaries(NAMES, JSON, max_size=4) | JSON)
@settings(max_examples=150, deadline=None)
def test_anything_is_read_or_refused_and_what_is_read_can_be_filled(value: Any) -> None:
    try:
        found = appearances(value, 2)
    except BadAppearance:
        return
    assert len(found) == 2
    for one in found:
        assert filled(one.text + one.qr, FILLING).isprintable() or "\n" in one.text


@given(st.binary(max_size=60), st.integers(0, len(JPEG)), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_any_picture_is_read_or_refused(noise: bytes, place: int, over: int) -> None:
    try:
        found = read_jpeg(JPEG[:place] + noise + JPEG[place + over :])
    except FormatError:
        return
    assert found.width > 0 and found.height > 0


def test_a_picture_is_what_it_says() -> None:
    picture = base64.b64encode(JPEG).decode()
    (one,) = appearances({"box": BOX, "picture": picture}, 1)
    found = read_jpeg(one.picture)
    assert (one.picture, found.width > 0) == (JPEG, True)
