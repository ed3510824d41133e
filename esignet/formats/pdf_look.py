"""How a visible signature looks: lines of text beside a picture or a QR code.

Colours are of the CIE's kind and fonts are embedded, so that a PDF/A stays one.
"""

from collections.abc import Sequence

import segno
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from esignet.formats.format import FormatError
from esignet.formats.jpeg import read_jpeg
from esignet.formats.pdf_fonts import embedded
from esignet.formats.pdf_text import Line, Typeface, laid
from esignet.formats.pdf_wish import PdfWish

MOST_TEXT = 500
LARGEST_PICTURE = 1_000_000
_MARGIN = 4
_LARGEST_LETTER = 11
_SMALLEST_LETTER = 2
_LEADING = 1.36
"""Height of a line, in sizes of its letters: scripts with marks above and below need as much."""

_TURNS = {90: (0, 1, -1, 0, 0, 0), 180: (-1, 0, 0, -1, 0, 0), 270: (0, -1, 1, 0, 0, 0)}
_WHITE = (0.9505, 1, 1.089)
_SRGB = (0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505)


def appearance(writer: BasePdfFileWriter, wish: PdfWish, turned: int = 0) -> generic.IndirectObject:
    """Return the appearance stream (ISO 32000-2 §12.5.5) for the wish's box, added to ``writer``.

    It stands upright on a page that is shown ``turned`` by so many degrees. FormatError: letters
    without a font, a picture that is no JPEG, a box that is too small.
    """
    left, bottom, right, top = wish.box or (0, 0, 0, 0)
    width, height = right - left, top - bottom
    if turned in (90, 270):
        width, height = height, width
    resources = generic.DictionaryObject()
    side = height - 2 * _MARGIN if wish.qr or wish.picture else 0
    parts = [b"q /Ink cs 0 sc"]
    resources["/ColorSpace"] = generic.DictionaryObject({pdf_name("/Ink"): _grey()})
    if wish.qr:
        parts.append(_qr(wish.qr, side))
    elif wish.picture:
        reference, ratio = _picture(writer, wish.picture)
        resources["/XObject"] = generic.DictionaryObject({pdf_name("/Picture"): reference})
        across, up = (side, side / ratio) if ratio >= 1 else (side * ratio, side)
        parts.append(b"q %.2f 0 0 %.2f %d %d cm /Picture Do Q" % (across, up, _MARGIN, _MARGIN))
    if wish.text:
        start = side + 2 * _MARGIN if side else _MARGIN
        parts.append(_text(writer, resources, wish, (start, width - start - _MARGIN, height)))
    parts.append(b"Q")
    stream = _form(b"\n".join(parts), width, height)
    if turned in _TURNS:
        stream["/Matrix"] = generic.ArrayObject(map(generic.NumberObject, _TURNS[turned]))
    stream["/Resources"] = resources
    stream.compress()
    return writer.add_object(stream)


def unseen(writer: BasePdfFileWriter) -> generic.IndirectObject:
    """Return the appearance of a signature that is not seen: PDF/A-1 demands one (§6.9)."""
    return writer.add_object(_form(b"", 0, 0))


def _form(drawn: bytes, width: float, height: float) -> generic.StreamObject:
    stream = generic.StreamObject(stream_data=drawn)
    stream["/Type"], stream["/Subtype"] = pdf_name("/XObject"), pdf_name("/Form")
    stream["/BBox"] = generic.ArrayObject(map(generic.NumberObject, (0, 0, width, height)))
    return stream


def _text(
    writer: BasePdfFileWriter,
    resources: generic.DictionaryObject,
    wish: PdfWish,
    place: tuple[float, float, float],
) -> bytes:
    """Return what draws the text in its place (start, width, height); its fonts are added."""
    start, width, height = place
    if len(wish.text) > MOST_TEXT:
        raise FormatError("a visible signature has too much text")
    if not wish.fonts:
        raise FormatError("a visible text needs a font that can be embedded, and none is set here")
    faces = [Typeface(font) for font in wish.fonts]
    lines = [laid(line, faces) for line in wish.text.splitlines()]
    longest = max((line.width for line in lines), default=0) / 1000 or 1
    size = min(_LARGEST_LETTER, width / longest, (height - 2 * _MARGIN) / len(lines) / _LEADING)
    if size < _SMALLEST_LETTER:
        raise FormatError("the box of the visible signature is too small for its text")
    codes = _fonts(writer, resources, faces, lines)
    drawn = []
    for row, line in enumerate(lines):
        indent = width - line.width * size / 1000 if line.begins_right else 0
        up = height - _MARGIN - size * (_LEADING * row + 1.07)
        drawn.append(_line(line, codes, size, (start + indent, up)))
    return b"\n".join(drawn)


def _fonts(
    writer: BasePdfFileWriter,
    resources: generic.DictionaryObject,
    faces: Sequence[Typeface],
    lines: Sequence[Line],
) -> list[dict[int, int]]:
    """Embed each typeface with the glyphs that the lines show, and return the codes of them."""
    fonts, codes = generic.DictionaryObject(), []
    for place, face in enumerate(faces):
        shown = [one for line in lines for one in line.glyphs if one.face == place]
        meanings = {one.glyph: one.meaning for one in shown}
        font = embedded(writer, face, meanings) if meanings else None
        codes.append(dict(font.codes) if font else {})
        if font:
            fonts[f"/F{place}"] = font.font
    resources["/Font"] = fonts
    return codes


def _line(
    line: Line, codes: Sequence[dict[int, int]], size: float, begins: tuple[float, float]
) -> bytes:
    """Return what draws a line, and what it says to whoever copies it (§14.9.4)."""
    said = b"\xfe\xff" + line.text.encode("utf-16-be")
    parts = [b"/Span <</ActualText <%s>>> BDC BT" % said.hex().encode()]
    face = None
    for one in line.glyphs:
        if one.face != face:
            face = one.face
            parts.append(b"/F%d %.2f Tf" % (face, size))
        across, up = begins[0] + one.across * size / 1000, begins[1] + one.up * size / 1000
        parts.append(b"1 0 0 1 %.3f %.3f Tm <%04x> Tj" % (across, up, codes[face][one.glyph]))
    return b"\n".join((*parts, b"ET EMC"))


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
    return b"\n".join(dots) + b"\nf"


def _grey() -> generic.ArrayObject:
    """Return a grey that looks alike everywhere (ISO 32000-2 §8.6.5.2)."""
    return _cie("/CalGray", {"/Gamma": generic.FloatObject("2.2")})


def _colours() -> generic.ArrayObject:
    """Return about the colours of sRGB (§8.6.5.3)."""
    gamma = generic.ArrayObject([generic.FloatObject("2.2")] * 3)
    matrix = generic.ArrayObject(generic.FloatObject(str(one)) for one in _SRGB)
    return _cie("/CalRGB", {"/Gamma": gamma, "/Matrix": matrix})


def _cie(kind: str, entries: dict[str, generic.PdfObject]) -> generic.ArrayObject:
    white = generic.ArrayObject(generic.FloatObject(str(one)) for one in _WHITE)
    named = {pdf_name(key): one for key, one in {"/WhitePoint": white, **entries}.items()}
    return generic.ArrayObject([pdf_name(kind), generic.DictionaryObject(named)])


def _picture(writer: BasePdfFileWriter, picture: bytes) -> tuple[generic.IndirectObject, float]:
    """Return a JPEG as it is (ISO 32000-2 §8.9.5), and its width divided by its height."""
    if len(picture) > LARGEST_PICTURE:
        raise FormatError("the picture has more than a megabyte")
    found = read_jpeg(picture)
    stream = generic.StreamObject(encoded_data=picture)
    stream["/Type"], stream["/Subtype"] = pdf_name("/XObject"), pdf_name("/Image")
    stream["/Width"], stream["/Height"] = map(generic.NumberObject, (found.width, found.height))
    stream["/BitsPerComponent"] = generic.NumberObject(8)
    stream["/ColorSpace"] = _colours() if found.is_coloured else _grey()
    stream["/Filter"] = pdf_name("/DCTDecode")
    return writer.add_object(stream), found.width / found.height
