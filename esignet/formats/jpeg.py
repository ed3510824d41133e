"""Reading a JPEG as far as it has to be known before it is shown: strictly, from end to end."""

import struct
from dataclasses import dataclass

from esignet.formats.format import FormatError

_FRAMES = frozenset((0xC0, 0xC1, 0xC2))
"""Baseline, extended and progressive (ITU-T T.81, Table B.1): what PDF readers decode."""

_MOST_POINTS = 4_000 * 4_000
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_REFUSED = "the picture is no JPEG that can be shown"


@dataclass(frozen=True, slots=True)
class Jpeg:
    """How many points it is wide and high, and whether it has colours."""

    width: int
    height: int
    is_coloured: bool


def read_jpeg(picture: bytes) -> Jpeg:
    """Return what a JPEG is, or raise FormatError.

    Every segment has to be whole, there is one picture, and nothing follows it: what is in the file
    is what is shown.
    """
    if picture[:2] != bytes((0xFF, _START)) or picture[-2:] != bytes((0xFF, _END)):
        raise FormatError(_REFUSED)
    place, frame = 2, None
    while True:
        marker, segment = _segment(picture, place)
        if marker in _FRAMES:
            if frame is not None:
                raise FormatError(_REFUSED)
            frame = _frame(segment)
        elif marker == _SCAN:
            break
        elif 0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise FormatError(_REFUSED)  # lossless or arithmetic, which PDF readers lack
        place += 4 + len(segment)
    if frame is None or not _ends_once(picture, place):
        raise FormatError(_REFUSED)
    return frame


def _segment(picture: bytes, place: int) -> tuple[int, bytes]:
    """Return the marker at ``place`` and what its segment holds (§B.1.1.4)."""
    if place + 4 > len(picture) or picture[place] != 0xFF:
        raise FormatError(_REFUSED)
    marker = picture[place + 1]
    length = int.from_bytes(picture[place + 2 : place + 4], "big")
    segment = picture[place + 4 : place + 2 + length]
    if marker < 0xC0 or marker in (_START, _END) or length < 2 or len(segment) != length - 2:
        raise FormatError(_REFUSED)
    return marker, segment


def _frame(segment: bytes) -> Jpeg:
    """Return what a frame header says (§B.2.2)."""
    if len(segment) < 6:
        raise FormatError(_REFUSED)
    bits, height, width, colours = struct.unpack_from(">BHHB", segment)
    if bits != 8 or not 0 < width * height <= _MOST_POINTS or colours not in (1, 3):
        raise FormatError(_REFUSED)
    return Jpeg(width, height, colours == 3)


def _ends_once(picture: bytes, place: int) -> bool:
    """Return whether only scans, their tables and restarts come before the one end (§B.2.1)."""
    while (place := picture.find(b"\xff", place)) >= 0:
        marker = picture[place + 1] if place + 1 < len(picture) else 0xFF
        if marker == _END:
            return place + 2 == len(picture)
        if marker == _START:
            return False
        place += 1 if marker == 0xFF else 2
    return False
