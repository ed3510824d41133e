"""Font files of an operator: judged once, when the service starts, whether a PDF may hold them."""

from collections.abc import Sequence
from dataclasses import dataclass

import uharfbuzz

from esignet.formats.format import FormatError
from esignet.formats.pdf_text import JOINERS, Typeface

LARGEST = 64 * 1024 * 1024
"""Octets of a font file; the largest of today have less than half of it."""

_LICENCE = 8
"""Where the table OS/2 has fsType (OpenType, "OS/2 and Windows Metrics")."""

_RESTRICTED, _USAGE, _WHOLE_ONLY, _BITMAPS_ONLY = 0x0002, 0x000F, 0x0100, 0x0200


@dataclass(frozen=True, slots=True)
class Font:
    """A TrueType font that may be embedded, and the code points that it has."""

    octets: bytes
    letters: frozenset[int]


def read_font(octets: bytes) -> Font:
    """Return a font whose glyphs can be taken out of it and put into a PDF, or raise FormatError.

    What its maker forbids is refused as well: embedding at all, a part of it, or its outlines.
    """
    if len(octets) > LARGEST:
        raise FormatError(f"a font has more than {LARGEST >> 20} MiB")
    typeface = Typeface(octets)
    if "fvar" in typeface.face.table_tags:
        raise FormatError("a variable font cannot be embedded: take a file of one weight")
    _judge_licence(typeface)
    if not typeface.letters:
        raise FormatError("a font has no letters")
    _try_every_glyph(typeface)
    return Font(octets, typeface.letters)


def needed(text: str, fonts: Sequence[Font]) -> tuple[bytes, ...]:
    """Return the fonts that show ``text``: of each letter the first that has it, in their order.

    Where a letter is in none the first is returned at least, so that this is what is told.
    """
    letters = {ord(letter) for letter in text if letter not in JOINERS and letter != "\n"}
    chosen: list[bytes] = []
    for font in fonts:
        if not letters.isdisjoint(font.letters):
            chosen.append(font.octets)
            letters -= font.letters
    return tuple(chosen) or tuple(font.octets for font in fonts[:1])


def _judge_licence(typeface: Typeface) -> None:
    if "OS/2" not in typeface.face.table_tags:
        return
    table = bytes(typeface.face.reference_table("OS/2").data)
    if len(table) < _LICENCE + 2:
        raise FormatError("a font is damaged")
    terms = int.from_bytes(table[_LICENCE : _LICENCE + 2], "big")
    if terms & _USAGE == _RESTRICTED:
        raise FormatError("a font may not be embedded: its maker says so in it")
    if terms & (_WHOLE_ONLY | _BITMAPS_ONLY):
        raise FormatError("a font may not be embedded in part: its maker says so in it")


def _try_every_glyph(typeface: Typeface) -> None:
    """Refuse a file that ends early or lies about its tables, which else one text alone would."""
    asked = uharfbuzz.SubsetInput()
    asked.glyph_set.update(range(typeface.face.glyph_count))
    try:
        uharfbuzz.SubsetPlan(typeface.face, asked).execute()
    except RuntimeError as fault:
        raise FormatError("a font is damaged") from fault
