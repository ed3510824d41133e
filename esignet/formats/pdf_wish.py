"""How a signature stands in a PDF: its field, how it looks, what it lets others change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfWish:
    """``at`` is the claimed time of signing (NumericDate), which PAdES demands in /M.

    ``field`` names a signature field, which is used when it is there and empty, and else made.
    ``box`` (left, bottom, right, top, in points) on ``page`` (from 0, -1 is the last) makes a new
    field visible, with lines of ``text``, ``picture`` (JPEG) and ``qr`` (the text of a QR code).
    ``fonts`` (TrueType) have the letters of the text, the first of them that has one counts.
    ``certify`` is 0, or the DocMDP permission 1 to 3 (ISO 32000-2 §12.8.2.2).
    """

    at: int
    field: str = ""
    page: int = 0
    box: tuple[int, int, int, int] | None = None
    text: str = ""
    fonts: tuple[bytes, ...] = ()
    picture: bytes = b""
    qr: str = ""
    certify: int = 0
    reason: str = ""
    location: str = ""
