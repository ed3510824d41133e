"""How a visible signature looks: lines of text beside a picture or a QR code."""

import struct

import segno
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from esignet.formats.format import FormatError
from esignet.formats.pdf_wish import PdfWish

MOST_TEXT = 500
LARGEST_PICTURE = 1_000_000
_MARGIN = 4
_LARGEST_LETTER = 11


def appearance(writer: BasePdfFileWriter, wish: PdfWish) -> generic.IndirectObject:
    """Return the appearance stream (ISO 32000-2 §12.5.5) for the wish's box, added to ``writer``.

    FormatError: text that Windows-1252 has no letters for, a picture that is no JPEG.
    """
    left, bottom, right, top = wish.box or (0, 0, 0, 0)
    width, height = right - left, top - bottom
    resources = generic.DictionaryObject()
    side = height - 2 * _MARGIN if wish.qr or wish.picture else 0
    parts = [b"q"]
    if wish.qr:
        parts.append(_qr(wish.qr, side))
    elif wish.picture:
        reference, ratio = _picture(writer, wish.picture)
        resources["/XObject"] = generic.DictionaryObject({pdf_name("/Picture"): reference})
        across, up = (side, side / ratio) if ratio >= 1 else (side * ratio, side)
        parts.append(b"q %.2f 0 0 %.2f %d %d cm /Picture Do Q" % (across, up, _MARGIN, _MARGIN))
    if wish.text:
        resources["/Font"] = generic.DictionaryObject({pdf_name("/F"): _font(writer)})
        start = side + 2 * _MARGIN if side else _MARGIN
        parts.append(_text(wish.text, start, width - start - _MARGIN, height))
    parts.append(b"Q")
    stream = generic.StreamObject(stream_data=b"\n".join(parts))
    stream["/Type"], stream["/Subtype"] = pdf_name("/XObject"), pdf_name("/Form")
    stream["/BBox"] = generic.ArrayObject(map(generic.NumberObject, (0, 0, width, height)))
    stream["/Resources"] = resources
    return writer.add_object(stream)


def _text(text: str, start: float, width: float, height: float) -> bytes:
    if len(text) > MOST_TEXT:
        raise FormatError("a visible signature has too much text")
    try:
        lines = [line.encode("cp1252") for line in text.splitlines()]
    except UnicodeEncodeError as fault:
        raise FormatError(
            "a visible signature has letters that its font lacks; give a picture instead"
        ) from fault
    longest = max(map(len, lines), default=1) or 1
    # Helvetica's letters are on average half as wide as they are high.
    size = min(_LARGEST_LETTER, width / (0.55 * longest), (height - 2 * _MARGIN) / len(lines) / 1.2)
    if size < 2:
        raise FormatError("the box of the visible signature is too small for its text")
    shown = (b"<%s> Tj T*" % line.hex().encode() for line in lines)
    place = (size, 1.2 * size, start, height - _MARGIN - size)
    return b"BT /F %.2f Tf %.2f TL %.2f %.2f Td\n%s\nET" % (*place, b"\n".join(shown))


def _qr(text: str, side: float) -> bytes:
    try:
        matrix = segno.make(text, error="m", micro=False).matrix
    except segno.DataOverflowError as fault:
        raise FormatError("the text of the QR code is too long") from fault
    unit = side / len(matrix)
    dots = (
        b"%.3f %.3f %.3f %.3f re"
        % (_MARGIN + x * unit, _MARGIN + side - (y + 1) * unit, unit, unit)
        for y, row in enumerate(matrix)
        for x, dark in enumerate(row)
        if dark
    )
    return b"0 g\n" + b"\n".join(dots) + b"\nf"


def _font(writer: BasePdfFileWriter) -> generic.IndirectObject:
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    names["/Encoding"] = "/WinAnsiEncoding"
    return writer.add_object(
        generic.DictionaryObject({pdf_name(key): pdf_name(one) for key, one in names.items()})
    )


def _picture(writer: BasePdfFileWriter, picture: bytes) -> tuple[generic.IndirectObject, float]:
    """Return a JPEG as it is (ISO 32000-2 §8.9.5), and its width divided by its height."""
    width, height, colours = _jpeg(picture)
    stream = generic.StreamObject(encoded_data=picture)
    stream["/Type"], stream["/Subtype"] = pdf_name("/XObject"), pdf_name("/Image")
    stream["/Width"], stream["/Height"] = map(generic.NumberObject, (width, height))
    stream["/BitsPerComponent"] = generic.NumberObject(8)
    stream["/ColorSpace"] = pdf_name("/DeviceRGB" if colours == 3 else "/DeviceGray")
    stream["/Filter"] = pdf_name("/DCTDecode")
    return writer.add_object(stream), width / height


def _jpeg(picture: bytes) -> tuple[int, int, int]:
    """Return width, height and count of colours of a JPEG (ITU-T T.81 §B.2.2)."""
    place = 2
    if not picture.startswith(b"\xff\xd8") or len(picture) > LARGEST_PICTURE:
        raise FormatError("the picture is no JPEG of at most a megabyte")
    while place + 10 <= len(picture) and picture[place] == 0xFF:
        marker, length = picture[place + 1], int.from_bytes(picture[place + 2 : place + 4], "big")
        if marker in (0xC0, 0xC1, 0xC2):
            bits, height, width, colours = struct.unpack_from(">BHHB", picture, place + 4)
            if bits == 8 and height and width and colours in (1, 3):
                return width, height, colours
            break
        place += 2 + max(length, 2)
    raise FormatError("the picture is no JPEG that can be shown")
