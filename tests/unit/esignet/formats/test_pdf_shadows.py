"""The shadow attacks on signed PDFs: what was planted before signing cannot come out after it.

Mainka, Mladenov and Rohlmann name three: hide, replace, and hide and replace. A forged update is
written by hand, for no library should have a say in what it may be.
"""

import hashlib
import re
from collections.abc import Mapping

import pytest

from esignet.formats.format import FormatError, Item, Wish
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_wish import PdfWish
from esignet.protocol.indications import Indication
from esignet.validation.engine import Trust
from esignet.validation.reading import validate
from tests.format_signing import signed
from tests.small_pki import AT, SmallPki

pytestmark = pytest.mark.attack("A5")

PKI = SmallPki()
TRUST = Trust(anchors=(PKI.root.der,), stamp_anchors=(PKI.root.der,))
CATALOG, PAGES, PAGE, CONTENT, FONT, OVERLAY, FORM, FIELD = range(1, 9)
HIDDEN_CATALOG, HIDDEN_PAGES, HIDDEN_PAGE, HIDDEN_CONTENT = range(9, 13)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def page(parent: int, content: int) -> bytes:
    return (
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
        b"/Resources<</Font<</F 5 0 R>>/XObject<</O 6 0 R>>>>/Annots[8 0 R]>>" % (parent, content)
    )


FONT_OF = b"<</Type/Font/Subtype/Type1/BaseFont/%s>>"
OVERLAY_OF = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]"
PLANTED = {
    CATALOG: b"<</Type/Catalog/Pages 2 0 R/AcroForm 7 0 R>>",
    PAGES: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    PAGE: page(PAGES, CONTENT),
    CONTENT: stream(b"BT /F 12 Tf 72 700 Td (Pay 999 to Eve) Tj ET /O Do"),
    FONT: FONT_OF % b"Helvetica",
    OVERLAY: stream(b"1 g 0 0 595 842 re f", OVERLAY_OF),
    FORM: b"<</Fields[8 0 R]>>",
    FIELD: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Sum)/V(100)/Rect[72 600 300 620]/P 3 0 R/F 4>>",
    HIDDEN_CATALOG: b"<</Type/Catalog/Pages 10 0 R>>",
    HIDDEN_PAGES: b"<</Type/Pages/Kids[11 0 R]/Count 1>>",
    HIDDEN_PAGE: page(HIDDEN_PAGES, HIDDEN_CONTENT),
    HIDDEN_CONTENT: stream(b"BT /F 12 Tf 72 700 Td (Pay 999 to Eve) Tj ET"),
}


def written(pdf: bytes, objects: Mapping[int, bytes | None], trailer: bytes) -> bytes:
    """A PDF with objects appended, by their numbers; None is one that is free."""
    made, table = bytearray(pdf), b""
    for number, one in sorted(objects.items()):
        row = b"%010d 00000 n \n" % len(made) if one is not None else b"0000000000 00001 f \n"
        table += b"%d 1\n%s" % (number, row)
        if one is not None:
            made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(made)
    made += b"xref\n0 1\n0000000000 65535 f \n" + table
    made += b"trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)
    return bytes(made)


def sign(certify: int = 0) -> bytes:
    pdf = written(b"%PDF-1.7\n", PLANTED, b"/Size 13/Root 1 0 R")
    item = Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)
    return signed(FORMAT, [item], Wish(pdf=PdfWish(at=AT, certify=certify)), PKI.signer)


SIGNED = sign()


def updated(
    objects: Mapping[int, bytes | None], root: int = CATALOG, signed: bytes = SIGNED
) -> bytes:
    """The signed PDF with an update behind it that nobody signed."""
    before = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    size = max(map(int, re.findall(rb"/Size (\d+)", signed)))
    new = max(objects, default=0) + 1
    trailer = b"/Size %d/Root %d 0 R/Prev %d" % (max(size, new), root, before)
    return written(signed, objects, trailer)


def object_of(number: int) -> bytes:
    """An object as the signed revision has it."""
    found = re.findall(rb"\n%d 0 obj\s(.*?)\sendobj" % number, SIGNED, re.DOTALL)
    assert found
    return bytes(found[-1])


ATTACKS: dict[str, bytes] = {
    "hide: the overlay is emptied": updated({OVERLAY: stream(b"", OVERLAY_OF)}),
    "hide: the overlay is freed": updated({OVERLAY: None}),
    "hide: the page draws it no more": updated({PAGE: page(PAGES, HIDDEN_CONTENT)}),
    "replace: another font": updated({FONT: FONT_OF % b"Symbol"}),
    "replace: a field grows over the page": updated(
        {FIELD: PLANTED[FIELD].replace(b"[72 600 300 620]", b"[0 0 595 842]")}
    ),
    "replace: another value of a field": updated({FIELD: PLANTED[FIELD].replace(b"100", b"999")}),
    "replace: another look of a field": updated(
        {
            FIELD: PLANTED[FIELD].replace(b"/F 4", b"/F 4/AP<</N 99 0 R>>"),
            99: stream(b"BT /F 12 Tf 2 2 Td (999) Tj ET", OVERLAY_OF),
        }
    ),
    "replace: the field becomes a signature": updated(
        {FIELD: PLANTED[FIELD].replace(b"/FT/Tx", b"/FT/Sig").replace(b"/V(100)", b"")}
    ),
    "replace: the field becomes a note": updated(
        {FIELD: b"<</Type/Annot/Subtype/FreeText/Contents(999)/Rect[72 600 300 620]/P 3 0 R>>"}
    ),
    "hide and replace: another catalog that was signed": updated({}, root=HIDDEN_CATALOG),
    "hide and replace: other pages that were signed": updated(
        {CATALOG: object_of(CATALOG).replace(b"/Pages 2 0 R", b"/Pages 10 0 R")}
    ),
    "hide and replace: another page that was signed": updated(
        {PAGES: b"<</Type/Pages/Kids[11 0 R]/Count 1>>"}
    ),
    "the signature is taken out of the form": updated({FORM: b"<</Fields[8 0 R]>>"}),
}


def test_what_was_signed_is_right_before_anything_is_appended() -> None:
    (found,) = FORMAT.check(SIGNED, ())
    assert found.problems == ()


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_planted_cannot_come_out_after_signing(attack: str) -> None:
    pdf = ATTACKS[attack]
    assert pdf.startswith(SIGNED), "the signature itself still verifies"
    try:
        (one,) = validate(pdf, [], {"pades": FORMAT}, TRUST, AT).signatures
    except FormatError as reason:
        assert "the PDF" in str(reason)
        return
    assert one.conclusion.indication is Indication.TOTAL_FAILED
    assert one.conclusion.sub_indication == "FORMAT_FAILURE"
    assert "after the signature in Signature1" in one.found.problems[0][1]


@pytest.mark.spec("ISO 32000-2 §12.8.2.2")
def test_a_field_may_be_filled_in_where_a_certification_permits_it() -> None:
    value = {FIELD: PLANTED[FIELD].replace(b"100", b"999")}
    for certify, right in ((2, True), (1, False)):
        (found,) = FORMAT.check(updated(value, signed=sign(certify)), ())
        assert (not found.problems) is right
