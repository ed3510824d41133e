"""Reading digits as people type them: any script's numerals, with spaces between."""

from unicodedata import category, decimal

LONGEST = 64
"""Characters of a typed answer at most; nobody types more around a dozen digits."""


def typed_digits(answer: object, least: int, most: int | None = None) -> str | None:
    """Return what was typed as ASCII digits, from ``least`` to ``most`` of them (default: exactly).

    Spaces and marks of direction are dropped, as come along when a code is pasted. None for
    anything else: no text, empty, too long, a letter, a sign.
    """
    if not isinstance(answer, str) or not 0 < len(answer) <= LONGEST:
        return None
    digits = []
    for character in answer:
        value = decimal(character, None)
        if value is not None:
            digits.append(str(value))
        elif not character.isspace() and category(character) != "Cf":
            return None
    if not least <= len(digits) <= (least if most is None else most):
        return None
    return "".join(digits)
