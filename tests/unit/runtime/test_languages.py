"""Which language a person gets, and how texts of others are placed in ours."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.runtime.pages.languages import accepted, load_languages, visible
from idp.pages.room import ROOM

LANGUAGES = load_languages(("en", "fr", "ar"), (ROOM,))


@pytest.mark.spec("RFC 9110 §12.5.4")
@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (None, []),
        ("fr", ["fr"]),
        ("en;q=0.5, fr-CH, ar;q=0.9", ["fr-CH", "ar", "en"]),
        ("en;q=0, fr;q=x, ar", ["ar"]),
        ("*", ["*"]),
    ],
)
def test_accept_language_is_read_by_weight(header: str | None, tags: list[str]) -> None:
    assert accepted(header) == tags


@given(st.text(max_size=200))
def test_no_header_is_an_error(header: str) -> None:
    assert LANGUAGES.choose(accepted(header)) in LANGUAGES.offered


def test_the_first_wish_that_is_offered_wins() -> None:
    assert LANGUAGES.choose(("sw", "FR-ca", "ar")).tag == "fr"
    assert LANGUAGES.choose(("sw",)).tag == "en"


@given(st.text(max_size=60))
def test_a_value_is_escaped_and_cannot_turn_the_text_around(value: str) -> None:
    said = str(LANGUAGES.default.t("Go back to {client}", client=value))
    assert said.startswith("Go back to \u2068") and said.endswith("\u2069")
    assert "<" not in said
    assert unescape(said)[len("Go back to \u2068") : -1] == visible(value)
    assert not {"\u202e", "\u2067", "\0"} & set(said)


def test_directions_and_names() -> None:
    assert [language.direction for language in LANGUAGES.offered] == ["ltr", "ltr", "rtl"]
    assert [language.name for language in LANGUAGES.offered] == ["English", "Français", "العربية"]


def test_times_are_written_as_people_write_them() -> None:
    french = LANGUAGES.choose(("fr",))
    assert french.moment(1_800_000_000) == "15 janvier 2027 08:00 TU"
    assert french.duration(30) == "30\xa0secondes"
