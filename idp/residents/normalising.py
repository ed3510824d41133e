"""What a person types, brought to the one form under which the ID store knows it (pure).

The same number is typed with spaces or without, in the digits of another script, with a country's
prefix or at home; an address with capitals. All of them become one text before it is hashed.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 256
"""Characters of a typed identifier that are looked at; no identifier is as long."""


class Kind(StrEnum):
    """What an identifier is; part of what is hashed, so equal texts of two kinds differ."""

    NATIONAL = "national"
    VIRTUAL = "vid"
    HANDLE = "handle"


@dataclass(frozen=True, slots=True)
class Numbering:
    """How this country writes telephone numbers.

    ``country_code`` (digits, ITU-T E.164 §6.2) is put before a number without one, in place of
    ``trunk_prefix``; with an empty country code, every number must be typed with its own.
    """

    country_code: str = ""
    trunk_prefix: str = "0"


def candidates(typed: str, numbering: Numbering) -> tuple[tuple[Kind, str], ...]:
    """Return what ``typed`` is if it is of each kind: always one text per kind, in this order.

    The number of texts does not depend on what was typed, so neither does the work of a look-up.
    """
    short = typed[:LONGEST]
    return (
        (Kind.NATIONAL, number(short)),
        (Kind.VIRTUAL, number(short)),
        (Kind.HANDLE, handle(short, numbering)),
    )


def number(typed: str) -> str:
    """Return a national or virtual number: ASCII digits, letters folded, separators dropped."""
    folded = _folded(typed)
    if folded.isalnum():
        return folded
    return "".join(c for c in folded if not _separates(c))


def handle(typed: str, numbering: Numbering) -> str:
    """Return a handle: ``+`` and digits for a telephone, ``local@domain`` for all else.

    ``5550100@phone`` is the telephone number 5550100; ``4711@ration-card`` an alias of its own.
    """
    folded = "".join(c for c in _folded(typed) if not c.isspace())
    local, at, domain = folded.rpartition("@")
    if at and domain != "phone":
        return folded
    return telephone(local if at else folded, numbering)


def telephone(typed: str, numbering: Numbering) -> str:
    """Return a telephone number as E.164 writes it: ``+``, country code, number."""
    bare = "".join(c for c in number(typed) if c not in "()")
    if bare.startswith("+"):
        return bare
    if bare.startswith("00"):  # the international prefix of ITU-T E.164 §6.3.2
        return "+" + bare[2:]
    if not numbering.country_code:
        return "+" + bare
    return f"+{numbering.country_code}{bare.removeprefix(numbering.trunk_prefix)}"


def is_telephone(text: str) -> bool:
    """Return whether ``text`` is ``+`` and 7 to 15 digits, none of them a leading zero."""
    digits = text.removeprefix("+")
    return (
        text.startswith("+")
        and digits.isascii()
        and digits.isdecimal()
        and 7 <= len(digits) <= 15
        and digits[0] != "0"
    )


def _folded(typed: str) -> str:
    """Return ``typed`` in NFKC, without case, invisible characters or other scripts' digits."""
    if typed.isascii() and typed.isprintable():  # what follows would change nothing else
        return typed.lower().strip()
    composed = unicodedata.normalize("NFKC", typed).casefold()
    visible = (c for c in composed if unicodedata.category(c) not in ("Cf", "Cc", "Cs"))
    ascii_digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in visible)
    return unicodedata.normalize("NFKC", ascii_digits).strip()


def _separates(character: str) -> bool:
    """Return whether people write ``character`` between groups of digits."""
    return character.isspace() or character in "./_" or _is_dash(character)


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"
