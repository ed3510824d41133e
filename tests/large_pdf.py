"""A PDF of any size, made piece by piece: scanned pages, each a picture of a mebibyte."""

from collections.abc import Iterator

SIDE = 1024
_PICTURE = bytes(range(256)) * (SIDE * SIDE // 256)


def pieces(octets: int) -> Iterator[bytes]:
    """Yield a PDF of about so many octets, a page for each mebibyte, one at least."""
    pages = max(1, octets // len(_PICTURE))
    kids = b" ".join(b"%d 0 R" % (3 + 3 * page) for page in range(pages))
    written, offsets = 0, []
    for piece in (
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        _object(1, b"<< /Type /Catalog /Pages 2 0 R >>"),
        _object(2, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids)),
    ):
        if written:
            offsets.append(written)
        written += len(piece)
        yield piece
    for page in range(pages):
        for piece in _page(3 + 3 * page):
            offsets.append(written)
            written += len(piece)
            yield piece
    yield _end(written, offsets)


def _page(number: int) -> Iterator[bytes]:
    picture, drawn = number + 1, b"q 595 0 0 842 0 0 cm /Scan Do Q"
    resources = b"<< /XObject << /Scan %d 0 R >> >>" % picture
    yield _object(
        number,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources %s /Contents %d 0 R >>"
        % (resources, number + 2),
    )
    yield _object(
        picture,
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray "
        b"/BitsPerComponent 8 /Length %d >>\nstream\n%s\nendstream"
        % (SIDE, SIDE, len(_PICTURE), _PICTURE),
    )
    yield _object(number + 2, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))


def _object(number: int, content: bytes) -> bytes:
    return b"%d 0 obj\n%s\nendobj\n" % (number, content)


def _end(written: int, offsets: list[int]) -> bytes:
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(offsets) + 1
    return b"xref\n0 %d\n0000000000 65535 f \n%s" % (
        count,
        rows,
    ) + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, written)
