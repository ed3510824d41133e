"""A page of a PDF as an image: bounded in size, and refused where it cannot be drawn."""

import struct
import zlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from esignet.formats.format import FormatError
from esignet.pdf.pool import Bounds, PdfPool
from esignet.pdf.preview import LONGEST_SIDE
from tests import pdf_files

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[PdfPool]:
    made = PdfPool(Bounds(workers=1))
    yield made
    await made.close()


def darkness(png: bytes) -> int:
    """How many octets of an image are not white, after reading it as the standard says."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, pixels, size = 8, b"", (0, 0)
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        content = png[place + 8 : place + 8 + length]
        [checked] = struct.unpack(">I", png[place + 8 + length : place + 12 + length])
        assert checked == zlib.crc32(kind + content)
        if kind == b"IHDR":
            size = struct.unpack(">II", content[:8])
        if kind == b"IDAT":
            pixels += zlib.decompress(content)
        place += 12 + length
    width, height = size
    assert len(pixels) == height * (1 + 3 * width)
    return sum(octet < 128 for octet in pixels) - height


async def test_a_page_is_drawn_with_what_stands_on_it(pool: PdfPool) -> None:
    pdf = pdf_files.document(3)
    seen = await pool.preview(pdf, 2)
    assert seen.pages == 3 and darkness(seen.png) > 100
    assert 0 < seen.width < seen.height <= LONGEST_SIDE
    count = await pool.preview(pdf, 0)
    assert (count.pages, count.png) == (3, b"")


@pytest.mark.parametrize("page", [-1, 4, 1 << 40])
async def test_there_is_no_page_beyond_the_last(pool: PdfPool, page: int) -> None:
    with pytest.raises(FormatError, match="no such page"):
        await pool.preview(pdf_files.document(3), page)


@pytest.mark.parametrize("octets", [b"", b"%PDF-1.7", b"<svg/>"])
async def test_what_is_no_pdf_is_not_drawn(pool: PdfPool, octets: bytes) -> None:
    with pytest.raises(FormatError, match="cannot be drawn"):
        await pool.preview(octets, 1)


async def test_a_page_as_large_as_a_field_stays_a_small_image(pool: PdfPool) -> None:
    large = pdf_files.document().replace(b"595", b"14400", 1).replace(b"842", b"14400", 1)
    assert large != pdf_files.document()
    seen = await pool.preview(large, 1)
    assert max(seen.width, seen.height) <= LONGEST_SIDE + 1


async def test_what_needs_a_password_is_not_drawn(pool: PdfPool) -> None:
    with pytest.raises(FormatError):
        await pool.preview(pdf_files.document(password="a secret"), 1)
