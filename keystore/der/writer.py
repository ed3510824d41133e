"""Writing DER (X.690 §10, §11): a function per type, octets in and octets out.

Nothing is held between two calls, so a structure is written from the inside out.
"""

from collections.abc import Iterable
from functools import cache

NULL = b"\x05\x00"
TRUE = b"\x01\x01\xff"


def tlv(tag: int, content: bytes) -> bytes:
    """Return one value: identifier octet ``tag``, definite length, content (X.690 §8.1, §10.1)."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of what was written before."""
    return tlv(0x30, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF in the order that DER demands (X.690 §11.6)."""
    return tlv(0x31, b"".join(sorted(parts)))


def integer(value: int) -> bytes:
    """Return an INTEGER in the fewest octets (X.690 §8.3.2)."""
    length = (value.bit_length() if value >= 0 else (value + 1).bit_length()) // 8 + 1
    return tlv(0x02, value.to_bytes(length, "big", signed=True))


@cache
def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER (X.690 §8.19). ``dotted`` is ours, never from outside."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(groups))
    return tlv(0x06, bytes(octets))


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(0x04, content)


def bits(content: bytes) -> bytes:
    """Return a BIT STRING of whole octets."""
    return tlv(0x03, b"\x00" + content)


def utf8(text: str) -> bytes:
    """Return a UTF8String."""
    return tlv(0x0C, text.encode())


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN (X.690 §11.1)."""
    return TRUE if value else b"\x01\x01\x00"


def context(number: int, content: bytes, *, constructed: bool = True) -> bytes:
    """Return ``content`` under the context tag ``number`` (0 to 30).

    For EXPLICIT tags ``content`` is a whole value; for IMPLICIT ones it is the content alone.
    """
    return tlv((0xA0 if constructed else 0x80) | number, content)


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    """Return an AlgorithmIdentifier (RFC 5280 §4.1.1.2); no parameters unless given."""
    return sequence(oid(dotted), parameters)
