"""The claims that the ID store keeps, and what a value of each may be (pure).

Source: OpenID Connect Core 1.0 §5.1 (standard claims), §5.1.1 (address), §5.2 (languages).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from idp.residents.normalising import Numbering, is_telephone, telephone

ADDRESS_PARTS = (
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
)
LONGEST_TEXT = 1000
"""Characters of a value; far more than the longest real name, far less than a mistake."""

LONGEST_PICTURE = 192 * 1024
"""Characters of a picture, as an address or a data URI."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_COLUMN_NAME = re.compile(r"[A-Za-z_.#-]{1,40}")
_BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


class BadRow(Exception):
    """A row cannot be taken. ``reason`` never repeats a value: reasons go to files and screens."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}" if column else reason)
        self.column = column
        self.reason = reason


def unknown(name: str, known: list[str], within: str = "") -> BadRow:
    """Return the refusal of a column that there is not, with the nearest that there is.

    ``within`` stands before each name.
    """
    near = get_close_matches(name.partition("#")[0], known, n=1, cutoff=0.55)
    if near and _COLUMN_NAME.fullmatch(name):
        return BadRow("", f"unknown column {within}{name}: did you mean {within}{near[0]}?")
    # It may be no name but a value that lost its place: it is not repeated.
    return BadRow("", f"unknown column: there are {', '.join(f'{within}{k}' for k in known)}")


def claim(name: str, value: object, numbering: Numbering) -> tuple[str, str, Any]:
    """Return the name, the language ("" for none) and the value to keep of the column ``name``.

    Raises BadRow: unknown name, a language where there can be none, a value of another form.
    """
    bare, mark, language = name.partition("#")
    if bare not in CLAIMS:
        raise unknown(name, [*CLAIMS])
    if mark and (bare not in TRANSLATED or not _LANGUAGE.fullmatch(language)):
        raise BadRow(bare, "is not kept in several languages, or the language is no BCP 47 tag")
    if bare == "phone_number":
        return bare, language, _telephone(bare, value, numbering)
    return bare, language, CLAIMS[bare](bare, value)


def text(name: str, value: object, longest: int = LONGEST_TEXT) -> str:
    """Return ``value`` if it is text with something in it and without control characters."""
    if not isinstance(value, str) or not value.strip():
        raise BadRow(name, "must be text, and not empty")
    if len(value) > longest:
        raise BadRow(name, f"is longer than {longest} characters")
    if not value.isprintable() and any(_forbidden(character) for character in value):
        raise BadRow(name, "holds a control character")
    return value


def _forbidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r"


def _line(name: str, value: object) -> str:
    line = text(name, value)
    if "\n" in line or "\r" in line:
        raise BadRow(name, "must be one line")
    return line


def _link(name: str, value: object) -> str:
    link = _line(name, value)
    if not link.startswith(("https://", "http://")) or " " in link:
        raise BadRow(name, "must be an http or https address")
    return link


def _picture(name: str, value: object) -> str:
    picture = text(name, value, LONGEST_PICTURE)
    if picture.startswith(("data:image/jpeg;base64,", "data:image/png;base64,", "https://")):
        return picture
    if picture.startswith("data:image/webp;base64,"):
        return picture
    raise BadRow(name, "must be an https address or a JPEG, PNG or WebP as a data URI")


def _email(name: str, value: object) -> str:
    email = _line(name, value)
    if not _EMAIL.fullmatch(email):
        raise BadRow(name, "is no e-mail address")
    return email


def _telephone(name: str, value: object, numbering: Numbering) -> str:
    number = telephone(_line(name, value), numbering)
    if not is_telephone(number):
        raise BadRow(name, "is no telephone number with 7 to 15 digits")
    return number


def _birthdate(name: str, value: object) -> str:
    day = _line(name, value)
    if not _BIRTHDATE.fullmatch(day):
        raise BadRow(name, "must be YYYY-MM-DD, or YYYY")
    year, rest = day[:4], day[4:] or "-01-01"
    if year == "0000":  # the year is not told (§5.1); 2000 has every day that there is
        year = "2000"
    try:
        date.fromisoformat(year + rest)
    except ValueError:
        raise BadRow(name, "is no day of the calendar") from None
    return day


def _zone(name: str, value: object) -> str:
    zone = _line(name, value)
    if not _ZONE.fullmatch(zone):
        raise BadRow(name, "must be a time zone such as Africa/Nairobi")
    return zone


def _locale(name: str, value: object) -> str:
    locale = _line(name, value)
    if not _LANGUAGE.fullmatch(locale):
        raise BadRow(name, "must be a BCP 47 language tag")
    return locale


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRow(name, "must be true or false")
    return value


def _moment(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        raise BadRow(name, "must be seconds since 1970-01-01T00:00:00Z")
    return value


def _address(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise BadRow(name, f"must have some of {', '.join(ADDRESS_PARTS)}")
    for part in value:
        if part not in ADDRESS_PARTS:
            raise unknown(part, [*ADDRESS_PARTS], f"{name}.")
    return {part: text(f"{name}.{part}", value[part]) for part in ADDRESS_PARTS if part in value}


CLAIMS: Mapping[str, Callable[[str, object], Any]] = {
    "name": _line,
    "given_name": _line,
    "family_name": _line,
    "middle_name": _line,
    "nickname": _line,
    "preferred_username": _line,
    "profile": _link,
    "picture": _picture,
    "website": _link,
    "email": _email,
    "email_verified": _truth,
    "gender": _line,
    "birthdate": _birthdate,
    "zoneinfo": _zone,
    "locale": _locale,
    "phone_number": _line,
    "phone_number_verified": _truth,
    "address": _address,
    "updated_at": _moment,
}

TRANSLATED = frozenset(
    {
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "profile",
        "website",
        "gender",
        "address",
    }
)
"""Claims that can stand in several languages and scripts (§5.2)."""
