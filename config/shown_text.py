"""Which texts of others can be shown to people on one line, so that they see all of it.

What a person agrees to is on their screen: no character hides, and none reaches over the others.
"""

import unicodedata

LONGEST_TEXT = 140
"""Characters of a text that a person reads (as long as a remittance line of ISO 20022)."""

MOST_MARKS = 4
"""Marks upon one letter (accents, vowel signs): more reach into the lines above and below."""

_BLANK = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *(0x180B, 0x180C, 0x180D, 0x180F, 0x13441, 0x13442, 0x16FE4, 0x1D159),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)
"""Letters, marks and symbols that are printable by their category, and show nothing: those of
Unicode's Default_Ignorable_Code_Point, and blank ones of other scripts."""


def hidden(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return what keeps ``text`` from being shown whole, as the end of a sentence; or nothing."""
    if not 0 < len(text) <= longest or not text.isprintable():
        return f"must be a text of 1 to {longest} characters"
    if " ".join(text.split()) != text or not _BLANK.isdisjoint(map(ord, text)):
        return "holds what a page would not show"
    if _is_overloaded(text):
        return "holds marks without a letter, or too many"
    return ""


def _is_overloaded(text: str) -> bool:
    """Return whether marks stand on no letter, or more of them on one than any script has."""
    marks = MOST_MARKS
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MOST_MARKS:
            return True
    return False
