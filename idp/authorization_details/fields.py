"""Reading the members of a detail: present, of the right kind, and no others."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from idp.protocol.errors import InvalidAuthorizationDetails

LONGEST_TEXT = 140
"""Characters of a text that a person reads (as long as a remittance line of ISO 20022)."""

MOST_ENTRIES = 20

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


def only(detail: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse members that the type does not have: nobody agrees to what is not shown (§5)."""
    for name in detail:
        if name not in known:
            raise InvalidAuthorizationDetails("a detail holds a member that its type does not have")


def text(detail: Mapping[str, Any], name: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text that can be shown on one line."""
    value = detail.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise InvalidAuthorizationDetails(f"{name} must be a text of 1 to {longest} characters")
    if " ".join(value.split()) != value or not _BLANK.isdisjoint(map(ord, value)):
        raise InvalidAuthorizationDetails(f"{name} holds what a page would not show")
    if _is_overloaded(value):
        raise InvalidAuthorizationDetails(f"{name} holds marks without a letter, or too many")
    return value


def _is_overloaded(value: str) -> bool:
    """Return whether marks stand on no letter, or more of them on one than any script has."""
    marks = MOST_MARKS
    for character in value:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MOST_MARKS:
            return True
    return False


def texts(detail: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of such texts, none of them twice."""
    values = detail.get(name)
    if not isinstance(values, list) or not 0 < len(values) <= MOST_ENTRIES:
        raise InvalidAuthorizationDetails(f"{name} must be a list of 1 to {MOST_ENTRIES} texts")
    found = tuple(text({name: value}, name) for value in values)
    if len(set(found)) != len(found):
        raise InvalidAuthorizationDetails(f"{name} holds a text twice")
    return found


def part(detail: Mapping[str, Any], name: str, known: Collection[str]) -> Mapping[str, Any]:
    """Return an object inside the detail that has ``known`` members only."""
    value = detail.get(name)
    if not isinstance(value, dict):
        raise InvalidAuthorizationDetails(f"{name} must be an object")
    only(value, known)
    return value
