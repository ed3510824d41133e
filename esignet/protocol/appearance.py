"""How a signature shall stand in a PDF, as a request says it: bounded, and readable by people."""

import re
import unicodedata
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LARGEST_PICTURE = 100_000
"""Octets of a picture (JPEG)."""

LONGEST_TEXT = 300
LONGEST_LINE = 100
MOST_LINES = 8
LONGEST_CODE = 200
MOST_PAGES = 5_000
FARTHEST = 14_400
"""Points that a page may be wide and high (ISO 32000-2 §C.2)."""

CERTIFICATIONS = {"none": 1, "forms": 2, "comments": 3}
"""What a certified document lets others change, and its number (ISO 32000-2, Table 257)."""

_MEMBERS = frozenset(
    (
        *("field", "page", "box", "text", "picture", "qr"),
        *("certify", "reason", "location"),
    )
)
_JOINERS = frozenset("\u200c\u200d")
_PLACE = re.compile(r"\{([^{}]*)\}")
_BRACES = frozenset("{}")
_BLANK = frozenset((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))


class BadAppearance(Exception):
    """What is asked cannot be shown. The message is for the client, and repeats nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What the service fills in: ``at`` is the claimed time of signing (NumericDate).

    ``signer`` is what the client calls who signs, empty where it does not.
    """

    at: int
    document: str
    signer: str
    validation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """One signature in a PDF. ``page`` counts from 0, -1 is the last; ``certify`` is 0 to 3.

    ``text`` and ``qr`` may hold ``{date}``, ``{time}``, ``{document}``, ``{signer}`` and
    ``{validation}``.
    """

    field: str = ""
    page: int = 0
    box: tuple[int, int, int, int] | None = None
    text: str = ""
    picture: bytes = b""
    qr: str = ""
    certify: int = 0
    reason: str = ""
    location: str = ""


def appearances(value: object, signers: int) -> tuple[Appearance, ...]:
    """Return one for each signer, of whom there may be fewer named, or raise BadAppearance.

    ``value`` is one appearance, or a list of them in the order of the signers.
    """
    listed = value if isinstance(value, list) else [value]
    if not 0 < len(listed) <= signers:
        raise BadAppearance("appearance is an object, or a list of one for each signer")
    found = [_appearance(one) for one in listed]
    named = [one.field for one in found if one.field]
    if len(set(named)) != len(named):
        raise BadAppearance("two signers have one field")
    if any(one.certify for one in found[1:]):
        raise BadAppearance("only the first signature of a PDF can certify it")
    return (*found, *(Appearance() for _ in range(signers - len(found))))


def filled(text: str, filling: Filling) -> str:
    """Return a text with what stands for its placeholders."""
    moment = _moment(filling.at)
    known = {
        "date": moment[:10],
        "time": moment,
        "document": filling.document,
        "signer": filling.signer,
        "validation": filling.validation,
    }
    return _PLACE.sub(lambda found: known[found.group(1)], text)


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _appearance(value: object) -> Appearance:
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        raise BadAppearance(
            f"appearance is an object with members of {', '.join(sorted(_MEMBERS))}"
        )
    found = Appearance(
        field=_line(value, "field", LONGEST_LINE),
        page=_page(value),
        box=_box(value),
        text=_text(value),
        picture=_picture(value),
        qr=_placed(_line(value, "qr", LONGEST_CODE), "qr"),
        certify=_certify(value),
        reason=_line(value, "reason", LONGEST_LINE),
        location=_line(value, "location", LONGEST_LINE),
    )
    is_shown = bool(found.text or found.picture or found.qr)
    if found.box and not is_shown:
        raise BadAppearance("a box needs a text, a picture or a qr")
    if is_shown and not (found.box or found.field):
        raise BadAppearance("what is shown needs a box, or a field that is there")
    if found.picture and found.qr:
        raise BadAppearance("there is room for a picture or a qr, not for both")
    return found


def _page(members: Mapping[str, object]) -> int:
    """Return the page from 0; in the request the first is 1 and the last -1."""
    value = members.get("page", 1)
    if type(value) is not int or not (value == -1 or 0 < value <= MOST_PAGES):
        raise BadAppearance(f"page is a number from 1 to {MOST_PAGES}, or -1 for the last")
    return value if value == -1 else value - 1


def _box(members: Mapping[str, object]) -> tuple[int, int, int, int] | None:
    value = members.get("box")
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) != 4
        or not all(type(edge) is int and 0 <= edge <= FARTHEST for edge in value)
    ):
        raise BadAppearance("box is a list of left, bottom, right and top in whole points")
    left, bottom, right, top = value
    if not (left < right and bottom < top):
        raise BadAppearance("box has no extent")
    return left, bottom, right, top


def _text(members: Mapping[str, object]) -> str:
    value = members.get("text", "")
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadAppearance(f"text has at most {LONGEST_TEXT} characters")
    lines = [_readable(line, "text", LONGEST_LINE) for line in value.split("\n")] if value else []
    if len(lines) > MOST_LINES:
        raise BadAppearance(f"text has at most {MOST_LINES} lines")
    return _placed("\n".join(lines), "text")


def _line(members: Mapping[str, object], name: str, longest: int) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise BadAppearance(f"{name} is a text")
    return _readable(value, name, longest) if value else ""


def _readable(text: str, name: str, longest: int) -> str:
    """Return a line in its composed form (NFC); refuse what hides, or hides what is beside it."""
    text = unicodedata.normalize("NFC", text)
    if not 0 < len(text) <= longest or not text.strip() or text != text.strip():
        raise BadAppearance(f"{name} has lines of 1 to {longest} characters without spaces around")
    if not all(letter.isprintable() or letter in _JOINERS for letter in text):
        raise BadAppearance(f"{name} has characters that cannot be seen")
    if any(ord(letter) in _BLANK for letter in text):
        raise BadAppearance(f"{name} has characters that cannot be seen")
    return text


def _placed(text: str, name: str) -> str:
    """Return a text whose placeholders are all known."""
    filling = Filling(at=0, document="", signer="", validation="")
    places = set(_PLACE.findall(text))
    if "name" in places:
        raise BadAppearance(f"{name} cannot hold {{name}}: who signs is known after the approval")
    try:
        rest = filled(text, filling)
    except KeyError:
        rest = "{}"
    if not _BRACES.isdisjoint(rest):
        raise BadAppearance(
            f"{name} may hold {{date}}, {{time}}, {{document}}, {{signer}} and {{validation}},"
            " and no other braces"
        )
    return text


def _picture(members: Mapping[str, object]) -> bytes:
    value = members.get("picture")
    if value is None:
        return b""
    if not isinstance(value, str) or len(value) > LARGEST_PICTURE // 3 * 4 + 4:
        raise BadAppearance(f"picture is a JPEG of at most {LARGEST_PICTURE} octets in base64")
    try:
        return b64decode(value, validate=True)
    except (Error, ValueError):
        raise BadAppearance("picture is no base64") from None


def _certify(members: Mapping[str, object]) -> int:
    value = members.get("certify")
    if value is None:
        return 0
    if not isinstance(value, str) or value not in CERTIFICATIONS:
        raise BadAppearance(f"certify is one of {', '.join(CERTIFICATIONS)}")
    return CERTIFICATIONS[value]
