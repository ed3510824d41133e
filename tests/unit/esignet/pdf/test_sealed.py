"""PDFs that lie elsewhere in sealed chunks: signed at every level, read nowhere as a whole."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from esignet.formats.format import Evidence, FormatError, Item, Level, Prepared, Wish
from esignet.formats.pdf_wish import PdfWish
from esignet.pdf.pool import Bounds, PdfPool, SealedPdf
from esignet.pdf.sealed import Ahead, Continued, SealedDocument
from keystore.signing.digests import HashAlgorithm
from keystore.streams import CHUNK, Sealer, Shape
from tests import large_pdf, pdf_files
from tests.format_signing import answered
from tests.small_pki import AT, SmallPki

PKI = SmallPki()
WISH = Wish(pdf=PdfWish(at=AT))
KEY, NAME = bytes(range(32)), b"document-1"
ITEM = Item(name="a.pdf", digest=b"")


def long_pdf(octets: int) -> bytes:
    """Return a PDF of about so many octets."""
    return b"".join(large_pdf.pieces(octets))


def lent(pdf: bytes, name: bytes = NAME) -> SealedDocument:
    """Lie a PDF down in sealed chunks."""
    sealer = Sealer(KEY, NAME)
    chunks = [*sealer.add(pdf), sealer.end()]
    return document(chunks, len(pdf), name)


def document(chunks: list[bytes], size: int, name: bytes = NAME) -> SealedDocument:
    async def chunk(number: int) -> bytes:
        return chunks[number]

    return SealedDocument(key=KEY, shape=Shape(name=name, size=size), chunk=chunk)


@pytest.fixture
async def pool() -> AsyncIterator[PdfPool]:
    made = PdfPool(Bounds(workers=1, seconds=60))
    yield made
    await made.close()


async def embedded(sealed: SealedPdf, prepared: Prepared) -> bytes:
    return await sealed.embed(prepared, answered(prepared, PKI.signer))


@pytest.mark.server
async def test_it_goes_to_the_highest_level_and_its_start_is_never_touched(pool: PdfPool) -> None:
    """What comes back is only what is appended; with the original before it, it is right."""
    pdf = long_pdf(2 * CHUNK)
    sealed = pool.over(lent(pdf))
    tail = await embedded(sealed, await sealed.prepare(ITEM, WISH))
    stamp = PKI.token(await sealed.to_stamp(tail))
    tail = await sealed.augment(tail, Level.B_T, Evidence(timestamp=stamp))
    tail = await sealed.augment(tail, Level.B_LT, PKI.material(PKI.signer))
    stamp = PKI.token_of(await sealed.to_archive(tail, HashAlgorithm.SHA256))
    tail = await sealed.augment(tail, Level.B_LTA, Evidence(timestamp=stamp))
    (found,) = await sealed.check(tail)
    assert (found.level, found.problems) == (Level.B_LTA, ())
    assert [covered for _, covered in found.archive] == [b""], "it would be the whole PDF"
    (judged,) = await pool.check(pdf + tail)
    assert (judged.level, judged.problems, judged.certificate) == (
        Level.B_LTA,
        (),
        PKI.signer.der,
    )
    assert len(tail) < CHUNK


@pytest.mark.server
async def test_the_next_signer_signs_what_the_first_one_made(pool: PdfPool) -> None:
    pdf = pdf_files.document()
    sealed = pool.over(lent(pdf))
    tail = await embedded(sealed, await sealed.prepare(ITEM, WISH))
    again = Item(name="a.pdf", digest=b"", content=tail)
    second = await embedded(sealed, await sealed.prepare(again, WISH))
    assert second.startswith(tail)
    assert [one.problems for one in await sealed.check(second)] == [(), ()]


@pytest.mark.server
async def test_what_is_approved_is_what_a_whole_pdf_would_show(pool: PdfPool) -> None:
    pdf = long_pdf(CHUNK)
    whole = await pool.prepare(Item(name="a.pdf", digest=b"", content=pdf), WISH)
    prepared = await pool.over(lent(pdf)).prepare(ITEM, WISH)
    assert prepared.content is not None
    assert pdf + prepared.content == whole.content
    assert prepared.digests == whole.digests


@pytest.mark.server
async def test_another_documents_chunks_are_no_pdf(pool: PdfPool) -> None:
    pdf = long_pdf(2 * CHUNK)
    with pytest.raises(FormatError, match="chunk 0 is not the one"):
        await pool.over(lent(pdf, b"document-2")).prepare(ITEM, WISH)
    sealer = Sealer(KEY, NAME)
    chunks = [*sealer.add(pdf), sealer.end()]
    chunks[1] = chunks[0]
    with pytest.raises(FormatError, match="chunk 1 is not the one"):
        await pool.over(document(chunks, len(pdf))).prepare(ITEM, WISH)
    with pytest.raises(FormatError, match="encrypted"):
        await pool.over(lent(pdf_files.document(password="secret"))).prepare(ITEM, WISH)


class Away(Exception):
    """Where the chunks lie is away."""


@pytest.mark.server
async def test_whoever_keeps_the_chunks_may_be_away_and_the_next_is_served(pool: PdfPool) -> None:
    async def chunk(number: int) -> bytes:
        raise Away

    absent = SealedDocument(key=KEY, shape=Shape(name=NAME, size=CHUNK), chunk=chunk)
    with pytest.raises(Away):
        await pool.over(absent).prepare(ITEM, WISH)
    assert await pool.over(lent(pdf_files.document())).prepare(ITEM, WISH)


async def test_who_reads_on_finds_the_next_chunk_fetched() -> None:
    asked: list[int] = []

    async def chunk(number: int) -> bytes:
        asked.append(number)
        if number == 4:
            raise Away
        return b"%d" % number

    ahead = Ahead(SealedDocument(key=KEY, shape=Shape(name=NAME, size=6 * CHUNK), chunk=chunk))
    assert [await ahead.chunk(number) for number in (5, 0, 1, 2)] == [b"5", b"0", b"1", b"2"]
    await asyncio.sleep(0)
    assert asked == [5, 0, 1, 2, 3], "one more than was asked for, once it was read on"
    assert await ahead.chunk(0) == b"0"
    assert await ahead.chunk(3) == b"3"
    with pytest.raises(Away):
        await ahead.chunk(4)
    for number in (-1, 6):
        with pytest.raises(ValueError, match="no such chunk"):
            await ahead.chunk(number)
    ahead.end()


@pytest.mark.server
@pytest.mark.attack("A47")
async def test_memory_does_not_grow_with_the_document() -> None:
    """A worker that has less room than the document signs and checks it all the same."""
    pool = PdfPool(Bounds(workers=1, seconds_lent=100, memory=180 * CHUNK))
    sealed = pool.over(lent(long_pdf(96 * CHUNK)))
    tail = await embedded(sealed, await sealed.prepare(ITEM, WISH))
    tail = await sealed.augment(tail, Level.B_LT, PKI.material(PKI.signer))
    (found,) = await sealed.check(tail)
    assert found.problems == ()
    await pool.close()


def continued(tail: bytes = b"") -> Continued:
    return Continued(cast(Any, io.BytesIO(b"0123456789")), 10, tail)


def test_only_what_is_appended_can_be_written() -> None:
    work = continued()
    work.seek(0, 2)
    work.write(b"abcdef")
    work.seek(12)
    work.write(b"XY")
    assert bytes(work.tail) == b"abXYef"
    work.seek(8)
    assert work.read(5) == b"89abX"
    assert work.seek(-3, 2) == 13
    assert work.read() == b"Yef"
    for place in (0, 9, 17):
        work.seek(place)
        with pytest.raises(ValueError, match="only what was appended"):
            work.write(b"!")
    with pytest.raises(ValueError, match="before the start"):
        work.seek(-1)


def test_it_reads_as_one_document() -> None:
    work = continued(b"abc")
    assert hashlib.sha256(work.read()).digest() == hashlib.sha256(b"0123456789abc").digest()
    assert work.seek(1, 0) == 1
    assert (work.read(2), work.seek(2, 1), work.read(1)) == (b"12", 5, b"5")
