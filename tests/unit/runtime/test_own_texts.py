"""Texts of an operator stand in the place of ours, and what could break a page is refused."""

from pathlib import Path

import pytest

from config.runtime.pages.languages import load_languages
from config.runtime.pages.own_texts import UnfitTexts
from idp.pages.room import ROOM

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
QUESTION = "What is your ID number?"


def written(directory: Path, tag: str, original: str, text: str) -> str:
    entry = f'msgid "{original}"\nmsgstr "{text}"\n'
    (directory / f"{tag}.po").write_text(HEAD + entry, encoding="utf-8")
    return str(directory)


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_a_text_of_the_operator_stands_in_the_place_of_ours(tmp_path: Path, tag: str) -> None:
    own = written(tmp_path, tag, QUESTION, "What is your Harmony & Card number?")
    here, other = load_languages((tag, "fr"), (ROOM,), own).offered
    assert str(here.t(QUESTION)) == "What is your Harmony &amp; Card number?"
    assert "Harmony" not in other.t(QUESTION)
    ours = load_languages((tag,), (ROOM,)).default
    assert here.t("Continue") == ours.t("Continue")


@pytest.mark.parametrize(
    ("original", "text", "why"),
    [
        ("What is your number?", "x", "no page says"),
        (QUESTION, "Your {number}?", "other values"),
        (QUESTION, "Your { number?", "other values"),
    ],
)
def test_a_text_that_could_break_a_page_is_refused(
    tmp_path: Path, original: str, text: str, why: str
) -> None:
    with pytest.raises(UnfitTexts, match=why):
        load_languages(("en",), (ROOM,), written(tmp_path, "en", original, text))


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.po").write_bytes(b'msgid "a\nmsgstr \xff\xfe')
    with pytest.raises(UnfitTexts, match=r"en\.po"):
        load_languages(("en",), (ROOM,), str(tmp_path))
