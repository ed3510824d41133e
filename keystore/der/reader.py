"""Reading BER that came from outside, as far as DER and its common relaxations go.

Lengths must be definite and in the fewest octets, tags of one octet; nothing may lie after the end.
Order in a SET OF and DEFAULT values are not judged: many signers get these wrong. No value is
copied before it is asked for, so a large message costs what is read of it.
"""

from functools import lru_cache

import msgspec

DEEPEST = 24
"""Constructed values within one another that a reader follows."""

LARGEST = 64 * 1024 * 1024
"""Octets of one message."""

_LONGEST_OID = 64


class NotDer(Exception):
    """The octets are not what they should be; the text says where they stop being it."""


class Value(msgspec.Struct, frozen=True, gc=False):
    """One value in ``source``: its identifier octet, and where it, its content and its end are."""

    source: bytes
    tag: int
    start: int
    begins: int
    end: int
    depth: int = 0

    @property
    def content(self) -> bytes:
        """Return the content octets."""
        return self.source[self.begins : self.end]

    @property
    def octets(self) -> bytes:
        """Return the whole value: identifier, length, content."""
        return self.source[self.start : self.end]

    def children(self) -> list["Value"]:
        """Return the values inside a constructed one, or raise NotDer."""
        if not self.tag & 0x20:
            raise NotDer("a primitive value stands where a constructed one belongs")
        if self.depth >= DEEPEST:
            raise NotDer("values lie too deep in one another")
        source, place, end, depth = self.source, self.begins, self.end, self.depth + 1
        found: list[Value] = []
        while place < end:
            value = _value(source, place, end, depth)
            found.append(value)
            place = value.end
        return found


def read(octets: bytes) -> Value:
    """Return the one value that ``octets`` are, or raise NotDer."""
    if len(octets) > LARGEST:
        raise NotDer("more octets than a message may have")
    found = _value(octets, 0, len(octets), 0)
    if found.end != len(octets):
        raise NotDer("octets after the end of the value")
    return found


def expect(value: Value | None, tag: int) -> Value:
    """Return ``value``, or raise NotDer unless it is there and has this identifier octet."""
    if value is None or value.tag != tag:
        raise NotDer(f"no value of type {tag:#04x} where one belongs")
    return value


class Fields:
    """The fields of a SEQUENCE, taken from the left; an OPTIONAL one is known by its tag."""

    __slots__ = ("_place", "_values")

    def __init__(self, value: Value, tag: int = 0x30) -> None:
        self._values = expect(value, tag).children()
        self._place = 0

    def take(self, tag: int) -> Value:
        """Return the next field, or raise NotDer unless it has this identifier octet."""
        place = self._place
        if place < len(self._values) and self._values[place].tag == tag:
            self._place = place + 1
            return self._values[place]
        return expect(None, tag)

    def maybe(self, *tags: int) -> Value | None:
        """Return the next field when it has one of these identifier octets."""
        place = self._place
        if place < len(self._values) and self._values[place].tag in tags:
            self._place = place + 1
            return self._values[place]
        return None

    def any(self) -> Value:
        """Return the next field whatever it is, or raise NotDer when there is none."""
        if self._place >= len(self._values):
            raise NotDer("a field is missing")
        self._place += 1
        return self._values[self._place - 1]

    def end(self) -> None:
        """Raise NotDer when fields are left."""
        if self._place != len(self._values):
            raise NotDer("a field that does not belong here")


def integer(value: Value) -> int:
    """Return an INTEGER (X.690 §8.3), or raise NotDer."""
    octets = expect(value, 0x02).content
    if not octets or (len(octets) > 1 and octets[0] in (0, 0xFF) and _padded(octets)):
        raise NotDer("an INTEGER not in the fewest octets")
    return int.from_bytes(octets, "big", signed=True)


def oid(value: Value) -> str:
    """Return an OBJECT IDENTIFIER in dotted form (X.690 §8.19), or raise NotDer."""
    octets = expect(value, 0x06).content
    if not 0 < len(octets) <= _LONGEST_OID or octets[-1] & 0x80:
        raise NotDer("a malformed OBJECT IDENTIFIER")
    return _dotted(octets)


@lru_cache(maxsize=256)
def _dotted(octets: bytes) -> str:
    arcs, arc, fresh = [], 0, True
    for octet in octets:
        if fresh and octet == 0x80:
            raise NotDer("an OBJECT IDENTIFIER with a padded arc")
        arc = arc << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _padded(octets: bytes) -> bool:
    return (octets[0] == 0) == (octets[1] < 0x80)


def _value(source: bytes, start: int, limit: int, depth: int) -> Value:
    if limit - start < 2:
        raise NotDer("a value ends before its length")
    tag, length, begins = source[start], source[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise NotDer("a tag of several octets")
    if length >= 0x80:
        count = length & 0x7F
        if not 0 < count <= 4:
            raise NotDer("a length that is indefinite or too long")
        length = int.from_bytes(source[begins : begins + count], "big")
        begins += count
        if length < 0x80 or length >> 8 * (count - 1) == 0:
            raise NotDer("a length not in the fewest octets")
    if begins + length > limit:
        raise NotDer("a value reaches over the end of what holds it")
    return Value(source, tag, start, begins, begins + length, depth)
