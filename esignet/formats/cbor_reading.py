"""CBOR from outside (RFC 8949), read so that no two readers can read it differently.

Lengths are definite and in the fewest octets, no key stands twice, nothing lies after the end; of
simple values there are false, true and null. Numbers with a fraction have no place in signatures.
"""

from dataclasses import dataclass
from typing import Any

from esignet.formats.format import FormatError

DEEPEST = 8
"""Arrays, maps and tags within one another."""

LARGEST = 64 * 1024 * 1024
"""Octets of one signature file."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag and what it is on (RFC 8949 §3.4)."""

    tag: int
    value: Any


def read(octets: bytes) -> Any:
    """Return the one value: int, bytes, str, list, dict, Tagged, bool or None; or FormatError."""
    if len(octets) > LARGEST:
        raise FormatError("the signature is too large")
    value, end = _value(octets, 0, 0)
    if end != len(octets):
        raise FormatError("octets after the end of the CBOR")
    return value


def _value(octets: bytes, place: int, depth: int) -> tuple[Any, int]:
    if depth > DEEPEST:
        raise FormatError("CBOR nested too deeply")
    kind, number, place = _head(octets, place)
    if kind == 0:
        return number, place
    if kind == 1:
        return -1 - number, place
    if kind in (2, 3):
        return _string(octets, place, number, is_text=kind == 3)
    if kind == 4:
        return _array(octets, place, number, depth)
    if kind == 5:
        return _map(octets, place, number, depth)
    if kind == 6:
        value, place = _value(octets, place, depth + 1)
        return Tagged(number, value), place
    if number not in _SIMPLE:
        raise FormatError("a CBOR value of a kind that is not accepted")
    return _SIMPLE[number], place


def _head(octets: bytes, place: int) -> tuple[int, int, int]:
    """Return major type, argument, and where the rest begins (§3)."""
    if place >= len(octets):
        raise FormatError("the CBOR ends too early")
    kind, short = octets[place] >> 5, octets[place] & 0x1F
    place += 1
    if short < 24:
        return kind, short, place
    length = {24: 1, 25: 2, 26: 4, 27: 8}.get(short)
    if length is None or kind == 7:
        raise FormatError("a CBOR value of a kind that is not accepted")
    argument = octets[place : place + length]
    number = int.from_bytes(argument, "big")
    if len(argument) != length or number < (24 if length == 1 else 1 << 4 * length):
        raise FormatError("a CBOR number is not in the fewest octets")
    return kind, number, place + length


def _string(octets: bytes, place: int, length: int, *, is_text: bool) -> tuple[bytes | str, int]:
    found = octets[place : place + length]
    if len(found) != length:
        raise FormatError("the CBOR ends too early")
    try:
        return found.decode() if is_text else found, place + length
    except UnicodeDecodeError as fault:
        raise FormatError("a CBOR text is not UTF-8") from fault


def _array(octets: bytes, place: int, count: int, depth: int) -> tuple[list[Any], int]:
    _enough(octets, place, count)
    found = []
    for _ in range(count):
        value, place = _value(octets, place, depth + 1)
        found.append(value)
    return found, place


def _map(octets: bytes, place: int, count: int, depth: int) -> tuple[dict[Any, Any], int]:
    _enough(octets, place, 2 * count)
    found: dict[Any, Any] = {}
    for _ in range(count):
        key, place = _value(octets, place, depth + 1)
        if isinstance(key, bool) or not isinstance(key, int | str) or key in found:
            raise FormatError("a CBOR key stands twice, or is no label")
        found[key], place = _value(octets, place, depth + 1)
    return found, place


def _enough(octets: bytes, place: int, count: int) -> None:
    if count > len(octets) - place:
        raise FormatError("the CBOR ends too early")


_SIMPLE = {20: False, 21: True, 22: None}
