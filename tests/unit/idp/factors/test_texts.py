"""What messages with codes say in each language, and how long they are."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Pages
from idp.factors.texts import WORDINGS, Telling, plain, segments, subject, text


def telling(**changes: object) -> Telling:
    values: dict[str, object] = {
        "code": "123456",
        "client": "Clinic",
        "purpose": "",
        "seconds": 300,
        "locale": "en",
        "issuer": "https://id.gov.example",
    }
    return Telling(**{**values, **changes})  # type: ignore[arg-type]


def test_every_language_of_the_pages_has_its_words() -> None:
    assert set(WORDINGS) == set(Pages().languages)
    for wording in WORDINGS.values():
        fields = {name for _, name, _, _ in string.Formatter().parse(wording.login) if name}
        assert fields == {"code", "client", "minutes"}
        assert {n for _, n, _, _ in string.Formatter().parse(wording.subject) if n} == {"client"}
    assert len({wording.login for wording in WORDINGS.values()}) == len(WORDINGS)


@pytest.mark.parametrize("locale", WORDINGS)
def test_the_code_comes_first_and_the_bound_line_last(locale: str) -> None:
    said = text(telling(locale=locale), "sms")
    assert said.startswith("123456 ")
    assert "Clinic" in said
    assert said.splitlines()[-1] == "@id.gov.example #123456"
    assert segments(said) <= (1 if locale in ("en", "fr", "es", "sw") else 2)


def test_the_bound_line_is_for_text_messages_of_https_issuers() -> None:
    assert "@" not in text(telling(issuer="http://127.0.0.1:8080"), "sms")
    assert "@" not in text(telling(), "email")
    assert "@id.example #" in text(telling(issuer="https://id.example:8443/a"), "sms")


def test_a_purpose_that_makes_the_message_long_is_left_out() -> None:
    short = text(telling(purpose="to show you your appointments"), "sms")
    assert "Clinic (to show you your appointments)" in short
    longest = text(telling(locale="hi", purpose="अपॉइंटमेंट " * 11), "sms")
    assert "अपॉइंटमेंट" not in longest
    assert "अपॉइंटमेंट" in text(telling(locale="hi", purpose="अपॉइंटमेंट " * 11), "email")


def test_a_locale_with_a_region_is_its_language_and_an_unknown_one_is_english() -> None:
    assert text(telling(locale="fr-CA"), "sms") == text(telling(locale="fr"), "sms")
    assert text(telling(locale="xx"), "sms") == text(telling(), "sms")
    assert text(telling(locale=""), "sms") == text(telling(), "sms")


def test_the_subject_does_not_tell_the_code() -> None:
    for locale in WORDINGS:
        assert "123456" not in subject(telling(locale=locale))


@pytest.mark.spec("3GPP TS 23.040 §9.2.3.24.1")
@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ह" * 134, 2),
        ("ह" * 135, 3),
    ],
)
def test_parts_of_a_text_message(message: str, parts: int) -> None:
    assert segments(message) == parts


@pytest.mark.attack("A22")
@given(st.text(st.characters(codec="utf-8"), max_size=200), st.sampled_from(sorted(WORDINGS)))
def test_no_name_of_a_relying_party_can_pose_as_a_line_of_ours(name: str, locale: str) -> None:
    said = text(telling(client=name, purpose=name, locale=locale), "sms")
    assert said.splitlines()[-1] == "@id.gov.example #123456"
    assert len(said.splitlines()) == 3
    assert said.count("#") == said.count("@") == 1
    assert said.startswith("123456 ")


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(5, 60))
def test_a_name_becomes_one_printed_line_of_bounded_length(name: str, longest: int) -> None:
    line = plain(name, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert not set(line) & set("\n\r\u2028\u202e\u2066\0@#")
