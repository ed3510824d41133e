"""The error reference explains what the program sends, and only that."""

from html import unescape
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from idp.pages.error_reference import error_reference, marked
from tests import errors_page


def test_every_code_and_every_description_that_can_be_sent_is_explained() -> None:
    assert errors_page.missing() == [], "add them to idp/pages/errors.toml"


def test_nothing_is_explained_that_nobody_says() -> None:
    assert errors_page.left_over() == []


def test_every_code_has_a_remedy_and_a_paragraph() -> None:
    for code, one in error_reference().items():
        assert one.meaning.endswith(".") and one.remedy and one.specification and one.seen, code
        assert all(remedy for _, remedy in one.causes), code
        for text in (one.meaning, one.remedy, *(remedy for _, remedy in one.causes)):
            assert text.isascii() or "§" in text, text
            assert text.count("`") % 2 == 0, text


def test_the_program_is_read_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "idp").mkdir()
    text = 'raise InvalidGrant("too old")\nraise InvalidScope(f"{name} is unknown")\nraise X("a")\n'
    (tmp_path / "idp" / "x.py").write_text(text)
    found = errors_page.descriptions(tmp_path)
    assert found == {"invalid_grant": {"too old"}, "invalid_scope": {"... is unknown"}}


@given(st.text(max_size=60))
def test_a_text_is_shown_as_it_is(text: str) -> None:
    shown = str(marked(text))
    plain = unescape(shown.replace("<code>", "").replace("</code>", ""))
    assert plain == text.replace("`", "") and "<script" not in shown
