"""Distinguished names, as text (RFC 4514) and as what two spellings of one name have in common.

Names compare as RFC 5280 §7.1 says: attribute by attribute in their order, without regard to the
case of letters and the width of gaps. Unicode is normalized by composition alone (NFC): letters
that only look alike stay different.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

Rdn = frozenset[tuple[str, str]]
DistinguishedName = tuple[Rdn, ...]
"""From the root down; each part holds pairs of a type (an OID) and a folded value."""

LONGEST_NAME = 2_048

TYPES = {
    "cn": "2.5.4.3",
    "sn": "2.5.4.4",
    "serialnumber": "2.5.4.5",
    "c": "2.5.4.6",
    "l": "2.5.4.7",
    "st": "2.5.4.8",
    "street": "2.5.4.9",
    "o": "2.5.4.10",
    "ou": "2.5.4.11",
    "title": "2.5.4.12",
    "businesscategory": "2.5.4.15",
    "postalcode": "2.5.4.17",
    "name": "2.5.4.41",
    "gn": "2.5.4.42",
    "givenname": "2.5.4.42",
    "initials": "2.5.4.43",
    "generationqualifier": "2.5.4.44",
    "dnqualifier": "2.5.4.46",
    "pseudonym": "2.5.4.65",
    "organizationidentifier": "2.5.4.97",
    "uid": "0.9.2342.19200300.100.1.1",
    "dc": "0.9.2342.19200300.100.1.25",
    "emailaddress": "1.2.840.113549.1.9.1",
    "jurisdictionl": "1.3.6.1.4.1.311.60.2.1.1",
    "jurisdictionst": "1.3.6.1.4.1.311.60.2.1.2",
    "jurisdictionc": "1.3.6.1.4.1.311.60.2.1.3",
}
"""RFC 4514 §3 and RFC 4519; the last four are how OpenSSL calls what public authorities write."""

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,39})){1,20}", re.ASCII)
_HEX = re.compile(r"[0-9A-Fa-f]{2}", re.ASCII)
_SPECIAL = frozenset('"+,;<> #=\\')
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}  # UTF8String, PrintableString, IA5String


class NotAName(Exception):
    """The text is no distinguished name; what is said may be shown."""


def parse(text: str) -> DistinguishedName:
    """Return the name that ``text`` writes (RFC 4514 §3), from the root down; or raise NotAName."""
    if not 0 < len(text) <= LONGEST_NAME:
        raise NotAName(f"a distinguished name has 1 to {LONGEST_NAME} characters")
    rdns = [_rdn(part) for part in _split(text, ",")]
    return tuple(reversed(rdns))  # RFC 4514 §2.1: text begins with the last one


def rdn(pairs: Iterable[tuple[str, str]]) -> Rdn:
    """Return one part of a name from types (OIDs) and values."""
    return frozenset((kind, _folded(value)) for kind, value in pairs)


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())


def _split(text: str, separator: str) -> Iterator[str]:
    begins = place = 0
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == separator:
            yield text[begins:place]
            begins = place + 1
        place += 1
    yield text[begins:]


def _rdn(text: str) -> Rdn:
    pairs = [_pair(part) for part in _split(text, "+")]
    found = rdn(pairs)
    if len(found) != len(pairs):
        raise NotAName("a part of a name says the same twice")
    return found


def _pair(text: str) -> tuple[str, str]:
    written, equals, value = text.lstrip(" ").partition("=")
    if not equals:
        raise NotAName("a part of a name is written TYPE=value")
    kind = TYPES.get(written.lower(), written)
    if not _OID.fullmatch(kind):
        raise NotAName(f"the type {written[:40]!r} is not known: write it as an OID")
    return kind, _encoded(value[1:]) if value.startswith("#") else _unescaped(value)


def _unescaped(value: str) -> str:
    """RFC 4514 §2.4: a backslash and a special character, or two hex digits of UTF-8."""
    octets, place = bytearray(), 0
    while place < len(value):
        letter = value[place]
        if letter == "\\":
            pair = value[place + 1 : place + 3]
            if pair[:1] in _SPECIAL and pair:
                octets += pair[0].encode()
                place += 2
            elif _HEX.fullmatch(pair):
                octets.append(int(pair, 16))
                place += 3
            else:
                raise NotAName("a backslash stands before nothing that it escapes")
            continue
        if letter in '";<>' or letter == "\0":
            raise NotAName(f"{letter!r} is escaped in a name")
        octets += letter.encode("utf-8", "surrogatepass")
        place += 1
    return _text(bytes(octets), "utf-8")


def _encoded(digits: str) -> str:
    """RFC 4514 §2.4: the value in BER, here one of the kinds of string."""
    try:
        ber = bytes.fromhex(digits)
    except ValueError:
        raise NotAName("a value after # is in hex digits") from None
    if len(ber) < 3 or ber[0] not in _STRINGS or ber[1] != len(ber) - 2 or ber[1] > 127:
        raise NotAName("a value after # is a string: write it as text")
    return _text(ber[2:], _STRINGS[ber[0]])


def _text(octets: bytes, encoding: str) -> str:
    try:
        value = octets.decode(encoding)
    except UnicodeDecodeError:
        raise NotAName("a value is not text") from None
    if not value.strip():
        raise NotAName("a value is empty")
    return value
