"""The signature that was put into a PDF just now, found by its octets at the end of the file.

A reader of PDFs takes longer for the digits of a signature than for the rest of most documents,
and what we wrote ourselves a moment ago needs none. Whatever is found so is read back by a reader
before it is handed over.
"""

import re
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

from esignet.formats.format import FormatError
from esignet.formats.pdf_checking import unpadded
from esignet.formats.pdf_writing import RESERVED, Gap

_RANGE = re.compile(rb"/ByteRange ?\[ ?0 (\d{1,12}) (\d{1,12}) (\d{1,12}) *\]")
_STAMP = b"/ETSI.RFC3161"
_TAIL = 2 * RESERVED + 64 * 1024
"""Octets at the end of a file in which such a signature is, whole."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A signature in its place. ``message`` is without the zeros that fill the place."""

    gap: Gap
    message: bytes

    @property
    def contents(self) -> bytes:
        """Return /Contents with its zeros, whose hash names it in a VRI dictionary."""
        return self.message.ljust((self.gap.ends - self.gap.begins - 2) // 2, b"\0")


def just_filled(stream: BinaryIO) -> Filled | None:
    """Return the signature up to whose revision the file goes, None unless it is plain to see."""
    end = stream.seek(0, SEEK_END)
    start = stream.seek(max(0, end - _TAIL))
    tail = stream.read()
    ranges = [tuple(map(int, one.groups())) for one in _RANGE.finditer(tail)]
    if len(ranges) != 1 or _STAMP in tail:
        return None
    begins, ends, length = ranges[0]
    written = tail[begins - start : ends - start] if start <= begins < ends else b""
    if ends + length != end or written[:1] + written[-1:] != b"<>":
        return None
    try:
        message = unpadded(bytes.fromhex(written[1:-1].decode("ascii")))
    except (ValueError, FormatError):
        return None
    return Filled(Gap(begins, ends), message)
