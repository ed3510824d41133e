"""Visible signatures in the scripts of the world: shaped, in their order, with fonts embedded."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esignet.formats.format import FormatError
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_text import Typeface, laid
from tests import pdf_files
from tests.unit.esignet.formats.test_pades import BOX, JPEG, drawn, fonts, problems, ran, sign

pytestmark = pytest.mark.server

SCRIPTS = fonts("Arabic", "Hebrew", "Devanagari", "Thai")
FACES = [Typeface(font) for font in SCRIPTS]


def order(text: str) -> str:
    """The letters of a line as they stand from left to right."""
    line = laid(text, FACES)
    shown = sorted(line.glyphs, key=lambda one: one.across)
    return "".join(one.meaning for one in shown)


@pytest.mark.spec("UAX #9 §3.4")
def test_letters_stand_in_the_order_of_their_script() -> None:
    assert order("Signed by Ana") == "Signed by Ana"
    assert order("שלום 123 abc") == "abc 123 םולש"
    assert order("abc שלום 123 def") == "abc 123 םולש def"
    assert not laid("abc שלום", FACES).begins_right
    assert laid("שלום abc", FACES).begins_right


def test_brackets_between_letters_from_right_to_left_are_turned_round() -> None:
    opening, closing = (laid(one, FACES).glyphs[0].glyph for one in "()")
    shown = [one.glyph for one in laid("(אב)", FACES).glyphs]
    assert (shown[0], shown[-1]) == (opening, closing)


def test_letters_take_the_shape_of_their_place_in_the_word() -> None:
    alone = laid("ع", FACES).glyphs[0].glyph
    within = [one.glyph for one in laid("معا", FACES).glyphs]
    assert alone not in within, "Arabic letters are joined"
    apart = [one.glyph for one in laid("م\u200cع", FACES).glyphs]
    assert alone in apart, "unless a non-joiner parts them"
    letters = "क्ष"
    assert len(laid(letters, FACES).glyphs) < len(letters), "Devanagari letters are one sign"


@given(st.text(alphabet=st.characters(max_codepoint=0xE80, exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_laid_out_or_refused(text: str) -> None:
    try:
        line = laid(text, FACES)
    except FormatError:
        return
    assert line.width >= 0 and all(one.glyph for one in line.glyphs)


def test_every_font_of_a_pdf_a_is_embedded_and_other_engines_agree(tmp_path: Path) -> None:
    text = "Signed Ωж\nوُقِّع في 2026\nשלום\nहस्ताक्षर किया\nลงนาม"
    pdf = sign(pdf_files.pdf_a(), box=BOX, text=text, qr="https://a.example", fonts=SCRIPTS)
    assert not problems(FORMAT.check(pdf, ()))
    assert "Signature is Valid" in ran(tmp_path, pdf, "pdfsig", "-nocert")
    assert "No syntax or stream encoding errors" in ran(tmp_path, pdf, "qpdf", "--check")
    assert "unchanged since signing" in ran(tmp_path, pdf, "mutool", "sign", "-v")
    fonts_there = [line.split() for line in ran(tmp_path, pdf, "pdffonts").splitlines()[2:]]
    ours = [line for line in fonts_there if "+" in line[0]]
    assert len(ours) == 5 and all(line[-5:-2] == ["yes", "yes", "yes"] for line in ours)
    assert b"/DeviceRGB" not in pdf and b"/DeviceGray" not in pdf
    there = drawn(tmp_path, pdf)
    assert all(word in there for word in ("Signed Ωж", "हस्ताक्षर किया", "ลงนาม"))


def ink(tmp_path: Path, pdf: bytes, place: tuple[int, int, int, int]) -> int:
    """How many dark points another engine draws in a place (left, top, width, height)."""
    (tmp_path / "drawn.pdf").write_bytes(pdf)
    left, top, width, height = map(str, place)
    crop = ("-x", left, "-y", top, "-W", width, "-H", height)
    command = ("pdftoppm", "-gray", "-r", "72", *crop, "drawn.pdf")
    drawn = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    return sum(point < 128 for point in drawn.split(b"255\n", 1)[1])


def test_it_stands_upright_on_a_page_that_is_turned(tmp_path: Path) -> None:
    """A scan is often turned: text from left to right begins at the left of what is seen."""
    text = "Signed"
    for degrees, place in ((0, (50, 692, 150, 100)), (90, (50, 50, 50, 300))):
        pdf = sign(pdf_files.turned(degrees), box=BOX, text=text, fonts=fonts())
        assert not problems(FORMAT.check(pdf, ()))
        assert ink(tmp_path, pdf, place) > 20
    assert ink(tmp_path, pdf, (100, 50, 50, 300)) < 20, "nothing at the other end"


def test_a_picture_is_shown_in_its_colours(tmp_path: Path) -> None:
    pdf = sign(pdf_files.document(), box=BOX, picture=JPEG)
    assert b"/CalGray" in pdf and not problems(FORMAT.check(pdf, ()))


def test_a_picture_with_anything_after_or_missing_is_refused() -> None:
    for picture in (JPEG + b"hidden", JPEG[:-2], JPEG[:-2] + JPEG, JPEG[:2] + JPEG[15:], b"GIF89a"):
        with pytest.raises(FormatError, match="no JPEG"):
            sign(pdf_files.document(), box=BOX, picture=picture)


def test_a_place_that_nobody_would_see_is_refused() -> None:
    for box in ((500, 50, 700, 100), (-10, 0, 50, 50), (50, 800, 100, 900)):
        with pytest.raises(FormatError, match="not on its page"):
            sign(pdf_files.document(), box=box, text="x", fonts=fonts())
    with pytest.raises(FormatError, match="too small"):
        sign(pdf_files.document(), box=(1, 1, 9, 9), text="x" * 50, fonts=fonts())
    with pytest.raises(FormatError, match="cannot be seen"):
        sign(pdf_files.document(), box=BOX, text="a\u202eb", fonts=fonts())
    with pytest.raises(FormatError, match="no TrueType"):
        sign(pdf_files.document(), box=BOX, text="x", fonts=(b"no font",))
