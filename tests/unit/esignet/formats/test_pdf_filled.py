"""The signature that was just put into a PDF is found by its octets, or left to a reader."""

from io import BytesIO

import pytest

from esignet.formats.format import Item, Level, Wish
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_checking import placed
from esignet.formats.pdf_filled import just_filled
from esignet.formats.pdf_wish import PdfWish
from keystore.der.cms_reading import read_message
from keystore.signing.digests import HashAlgorithm
from tests import format_signing, pdf_files
from tests.small_pki import AT, SmallPki

PKI = SmallPki()
SHA256 = HashAlgorithm.SHA256


def signed(pdf: bytes, **wish: str) -> bytes:
    item = Item(name="a.pdf", digest=SHA256.of(pdf), content=pdf)
    return format_signing.signed(FORMAT, [item], Wish(pdf=PdfWish(at=AT, **wish)), PKI.signer)


@pytest.mark.parametrize("pdf", [pdf_files.form(), pdf_files.document(3)])
def test_it_is_what_a_reader_finds(pdf: bytes) -> None:
    made = signed(pdf)
    found, [read] = just_filled(BytesIO(made)), placed(BytesIO(made))
    assert found is not None
    assert (found.gap, found.message) == (read.gap, read.contents)
    assert found.contents == read.embedded.pkcs7_content


def test_one_that_is_not_at_the_end_is_left_to_a_reader() -> None:
    made = signed(pdf_files.form())
    raised = FORMAT.augment(made, Level.B_LT, PKI.material(PKI.signer))
    for pdf in (raised, made + b"\n", signed(made), made[:-1], b"%PDF-1.7\n", b""):
        assert just_filled(BytesIO(pdf)) is None


def test_a_text_in_the_document_that_looks_like_a_place_leads_nowhere() -> None:
    made = signed(pdf_files.form(), reason="/ByteRange [0 10 20 30]")
    found, [read] = just_filled(BytesIO(made)), placed(BytesIO(made))
    assert found is None or found.gap == read.gap
    assert FORMAT.to_stamp(made) == read_message(read.contents).signers[0].signature


@pytest.mark.parametrize("octets", [b"<zz>", b"<00>x", b"(00)"])
def test_a_place_with_something_else_in_it_is_none(octets: bytes) -> None:
    head = b"%PDF-1.7\n/ByteRange [0 "
    after = b"\n%%EOF"
    start = len(head) + 30
    numbers = b"%d %d %d]" % (start, start + len(octets), len(after))
    made = (head + numbers).ljust(start) + octets + after
    assert just_filled(BytesIO(made)) is None
