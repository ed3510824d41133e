"""Long streams of a PDF are compared without being held: changed ones are found all the same."""

import io
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from esignet.formats import pdf_reader
from esignet.formats.format import Found, Item, Wish
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_reader import Spared
from esignet.formats.pdf_wish import PdfWish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.structures.cms import build
from keystore.signing.structures.structure import Ground
from tests import large_pdf
from tests.small_pki import AT, SmallPki

PKI = SmallPki()
PICTURE = 4
"""The number of the object that is the picture of the first page."""


@pytest.fixture(autouse=True)
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of a mebibyte is long already."""
    monkeypatch.setattr(pdf_reader, "LARGEST", 100_000)


def signed() -> bytes:
    item = Item(name="a.pdf", digest=b"", content=b"".join(large_pdf.pieces(1)))
    prepared = FORMAT.prepare([item], Wish(pdf=PdfWish(at=AT)))
    ground = Ground(
        hash_algorithm=HashAlgorithm.SHA256,
        digests=prepared.digests,
        certificate=PKI.signer.der,
        chain=PKI.signer.chain[:-1],
        alg="ES256",
        now=AT,
    )
    built = build(prepared.plan, ground)  # type: ignore[arg-type]
    return FORMAT.embed(prepared, PKI.signer.signed(built.parts, built.signed))


def continued(pdf: bytes, change: Any) -> Found:
    """What is found once another revision holds the picture with this change."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    picture = writer.get_object(generic.Reference(PICTURE, 0, writer))
    before = picture.data
    changed = generic.StreamObject(
        {key: picture.raw_get(key) for key in picture}, stream_data=change(before)
    )
    writer.objects[(0, PICTURE)] = changed
    made = io.BytesIO()
    writer.write(made)
    (found,) = FORMAT.check(made.getvalue(), ())
    return found


def test_a_picture_that_was_exchanged_is_found() -> None:
    pdf = signed()
    (found,) = FORMAT.check(pdf, ())
    assert found.problems == ()
    for change in (lambda old: old[:-1] + b"!", lambda old: old[:-1], lambda old: b"small"):
        found = continued(pdf, change)
        assert ["changed after" in reason for _, reason in found.problems] == [True]


def test_what_is_short_is_read_and_what_is_long_is_told() -> None:
    pdf = Spared(io.BytesIO(b"a" * 300_000))
    assert pdf.read(3) == b"aaa"
    told = pdf.read(200_000)
    assert told.startswith(b"200000 octets: ")
    assert pdf.tell() == 200_003
    assert pdf.read(200_000).startswith(b"99997 octets: "), "no more than there are"
    pdf.seek(0)
    assert pdf.read(200_000) == told
    pdf.seek(0)
    assert pdf.read(199_999) != told
