"""How a page of a PDF looks: an image of a bounded size, drawn by PDFium, written as PNG.

Scripts, embedded files and what lies at other addresses are not looked at: PDFium draws the page
and its form fields, nothing else, in the process that has bounds.
"""

import struct
import zlib
from io import RawIOBase
from typing import BinaryIO

import msgspec
import pypdfium2

from esignet.formats.format import FormatError

LONGEST_SIDE = 1600
"""Pixels of an image at most, along each side."""

_ZOOM = 1.75
"""Pixels for each unit of a page (1/72 inch): letters of 8 points can be read."""

_PNG = b"\x89PNG\r\n\x1a\n"


class Seen(msgspec.Struct, frozen=True):
    """How many ``pages`` there are, and an image of one: its size in pixels and a ``png``.

    It is empty where only the number of pages was asked for.
    """

    pages: int
    width: int = 0
    height: int = 0
    png: bytes = b""


def seen(pdf: RawIOBase | BinaryIO, page: int) -> Seen:
    """Return the page of that number, which begins at 1; 0 asks for their number alone.

    Raises FormatError.
    """
    try:
        document = pypdfium2.PdfDocument(pdf)
        try:
            count = len(document)
            if page == 0:
                return Seen(count)
            if not 0 < page <= count:
                raise FormatError("the PDF has no such page")
            return _drawn(document, page)
        finally:
            document.close()
    except pypdfium2.PdfiumError:
        raise FormatError("the PDF cannot be drawn") from None


def _drawn(document: pypdfium2.PdfDocument, page: int) -> Seen:
    document.init_forms()
    shown = document[page - 1]
    longest = max(*shown.get_size(), 1.0)
    bitmap = shown.render(scale=min(_ZOOM, LONGEST_SIDE / longest), rev_byteorder=True)
    width, height, stride = bitmap.width, bitmap.height, bitmap.stride
    if bitmap.n_channels != 3:
        raise FormatError("the PDF cannot be drawn")
    octets = memoryview(bitmap.buffer).cast("B")
    rows = bytearray()
    for row in range(height):
        rows.append(0)  # no filter (PNG 3rd edition §9.2)
        rows += octets[row * stride : row * stride + width * 3]
    return Seen(len(document), width, height, _png(width, height, bytes(rows)))


def _png(width: int, height: int, rows: bytes) -> bytes:
    """Return an image of 8-bit red, green and blue (PNG 3rd edition §11.2)."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return _PNG + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checked
