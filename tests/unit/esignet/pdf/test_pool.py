"""PDF work in processes: right answers, and a document that breaks one harms no other."""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator

import pytest

from esignet.formats.format import Evidence, FormatError, Item, Level, Wish
from esignet.formats.pdf_wish import PdfWish
from esignet.pdf.pool import LARGEST, Bounds, PdfPool
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.cms import build
from keystore.signing.structures.structure import Ground
from tests import pdf_files
from tests.small_pki import AT, SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()
WISH = Wish(pdf=PdfWish(at=AT))


def item(pdf: bytes) -> Item:
    return Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)


@pytest.fixture
async def pool() -> AsyncIterator[PdfPool]:
    made = PdfPool(Bounds(workers=1, seconds=60))
    yield made
    await made.close()


async def signed(pool: PdfPool) -> bytes:
    prepared = await pool.prepare(item(pdf_files.document()), WISH)
    ground = Ground(
        hash_algorithm=HashAlgorithm.SHA256,
        digests=prepared.digests,
        certificate=PKI.signer.der,
        chain=PKI.signer.chain[:-1],
        alg="ES256",
        now=AT,
    )
    built = build(prepared.plan, ground)  # type: ignore[arg-type]
    return await pool.embed(prepared, PKI.signer.signed(built.parts, built.signed))


async def test_a_document_goes_to_the_highest_level_through_a_worker(pool: PdfPool) -> None:
    pdf = await signed(pool)
    stamp = PKI.token(await pool.to_stamp(pdf))
    pdf = await pool.augment(pdf, Level.B_T, Evidence(timestamp=stamp))
    pdf = await pool.augment(pdf, Level.B_LT, PKI.material(PKI.signer))
    stamp = PKI.token_of(await pool.to_archive(pdf, HashAlgorithm.SHA256))
    pdf = await pool.augment(pdf, Level.B_LTA, Evidence(timestamp=stamp))
    (found,) = await pool.check(pdf)
    assert (found.level, found.problems, found.certificate) == (Level.B_LTA, (), PKI.signer.der)


async def test_a_refusal_says_why_and_the_worker_goes_on(pool: PdfPool) -> None:
    with pytest.raises(FormatError, match="JavaScript"):
        await pool.prepare(item(pdf_files.with_action("/JavaScript")), WISH)
    with pytest.raises(FormatError, match="larger"):
        await pool.check(bytes(LARGEST + 1))
    assert await signed(pool)


async def test_a_worker_that_dies_is_replaced_and_its_request_refused(pool: PdfPool) -> None:
    assert await signed(pool)
    worker = pool._idle.get_nowait()
    assert worker is not None
    pool._idle.put_nowait(worker)
    os.kill(worker.pid, signal.SIGSTOP)
    asked = asyncio.create_task(pool.check(pdf_files.document()))
    while not pool._idle.empty():
        await asyncio.sleep(0)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(FormatError, match="cannot be worked on"):
        await asked
    assert await signed(pool)


async def test_a_worker_that_is_stuck_is_replaced_and_its_request_refused() -> None:
    pool = PdfPool(Bounds(workers=1, seconds=60))
    assert await signed(pool)
    pool.bounds = Bounds(workers=1, seconds=0.3)
    worker = pool._idle.get_nowait()
    assert worker is not None
    pool._idle.put_nowait(worker)
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(FormatError, match="too long"):
        await pool.check(pdf_files.document())
    assert worker.returncode is not None
    pool.bounds = Bounds(workers=1, seconds=60)
    assert await signed(pool)
    await pool.close()


async def test_a_document_that_wants_too_much_memory_is_refused_and_no_other() -> None:
    pool = PdfPool(Bounds(workers=1, seconds=60, memory=400 * 1024 * 1024))
    assert await signed(pool)
    with pytest.raises(FormatError):
        await pool.check(b"%PDF-1.7\n" + bytes(LARGEST - 9))
    big = pdf_files.document() + b"%" + b"x" * (50 * 1024 * 1024)
    with pytest.raises(FormatError):
        await pool.prepare(item(big), WISH)
    assert await signed(pool)
    await pool.close()
