"""PAdES in real documents: other engines accept every signature, and no change goes unnamed."""

import hashlib
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from esignet.formats.format import Evidence, FormatError, Found, Item, Level, Wish
from esignet.formats.pades import FORMAT
from esignet.formats.pdf_wish import PdfWish
from tests import pdf_files
from tests.format_signing import signed
from tests.small_pki import AT, Holder, SmallPki

pytestmark = pytest.mark.server

PKI = SmallPki()


def embedded(item: Item, wish: Wish, holder: Holder = PKI.signer) -> bytes:
    return signed(FORMAT, [item], wish, holder)


def sign(pdf: bytes, holder: Holder = PKI.signer, **wishes: object) -> bytes:
    item = Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)
    return embedded(item, Wish(pdf=PdfWish(at=AT, **wishes)), holder)  # type: ignore[arg-type]


def raised(pdf: bytes, level: Level, holder: Holder = PKI.signer) -> bytes:
    if level is not Level.B_B:
        stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(pdf)))
        pdf = FORMAT.augment(pdf, Level.B_T, stamp)
    if level in (Level.B_LT, Level.B_LTA):
        pdf = FORMAT.augment(pdf, Level.B_LT, PKI.material(holder))
    if level is Level.B_LTA:
        stamp = Evidence(timestamp=PKI.token(FORMAT.to_archive(pdf, ())))
        pdf = FORMAT.augment(pdf, Level.B_LTA, stamp)
    return pdf


def ran(tmp_path: Path, pdf: bytes, *command: str) -> str:
    (tmp_path / "a.pdf").write_bytes(pdf)
    run = subprocess.run([*command, "a.pdf"], cwd=tmp_path, capture_output=True, check=False)
    return (run.stdout + run.stderr).decode(errors="replace")


BOX = (50, 50, 350, 150)
JPEG = bytes.fromhex("ffd8ffc0000b080010001001011100ffda0008010100003f0000ffd9")


def fonts(*scripts: str) -> tuple[bytes, ...]:
    """Noto Sans, and its sisters for other scripts."""
    names = [f"NotoSans{script}-Regular.ttf" for script in ("", *scripts)]
    return tuple(Path("/usr/share/fonts/truetype/noto", name).read_bytes() for name in names)


def drawn(tmp_path: Path, pdf: bytes) -> str:
    """The text that another engine finds on the pages."""
    ran(tmp_path, pdf, "pdftotext", "-layout")
    return (tmp_path / "a.txt").read_text()


def problems(found: tuple[Found, ...]) -> set[str]:
    return {name for one in found for name, _ in one.problems}


DOCUMENTS = {
    "one page": pdf_files.document(),
    "a form": pdf_files.form(),
    "a long scan": pdf_files.document(500),
    "PDF 2.0": pdf_files.pdf_2(),
    "PDF/A": pdf_files.pdf_a(),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_other_engines_accept_what_was_signed(name: str, tmp_path: Path) -> None:
    pdf = sign(DOCUMENTS[name])
    assert pdf.startswith(DOCUMENTS[name]), "every octet before stays as it was"
    assert "Signature is Valid" in ran(tmp_path, pdf, "pdfsig", "-nocert")
    assert "Total document signed" in ran(tmp_path, pdf, "pdfsig", "-nocert")
    assert "The document is unchanged since signing" in ran(tmp_path, pdf, "mutool", "sign", "-v")
    assert "No syntax or stream encoding errors" in ran(tmp_path, pdf, "qpdf", "--check")
    (found,) = FORMAT.check(pdf, ())
    assert (found.problems, found.level, found.claimed_at) == ((), Level.B_B, AT)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.spec("ETSI EN 319 142-1 §6")
def test_every_level_is_read_by_pyhanko_and_by_us(level: Level, tmp_path: Path) -> None:
    pdf = raised(sign(pdf_files.document()), level)
    (found,) = FORMAT.check(pdf, ())
    assert (found.level, found.problems, found.certificate) == (level, (), PKI.signer.der)
    assert "Signature is Valid" in ran(tmp_path, pdf, "pdfsig", "-nocert")
    root = x509.Certificate.load(PKI.signer.chain[-1])
    trust = ValidationContext(trust_roots=[root], allow_fetching=False)
    reader = PdfFileReader(io.BytesIO(pdf))
    status = validate_pdf_signature(reader.embedded_regular_signatures[0], trust)
    assert status.bottom_line, status.summary()
    assert (status.timestamp_validity is not None) == (level is not Level.B_B)
    if level is Level.B_LTA:
        stamp = reader.embedded_timestamp_signatures[0]
        status = validate_pdf_timestamp(stamp, trust)
        assert status.valid and status.trusted and status.intact


@pytest.mark.spec("ISO 19005-1 §6.9")
def test_a_field_that_is_not_seen_has_an_appearance_all_the_same() -> None:
    pdf = raised(sign(pdf_files.pdf_a()), Level.B_LTA)
    fields = PdfFileReader(io.BytesIO(pdf)).root["/AcroForm"]["/Fields"]
    looks = [one.get_object()["/AP"]["/N"] for one in fields]
    assert [one["/BBox"] for one in looks] == [[0, 0, 0, 0]] * 2


@pytest.mark.spec("ISO 32000-2 §12.8.2.2")
def test_what_permits_no_changes_is_archived_all_the_same() -> None:
    pdf = raised(sign(pdf_files.document(), certify=1), Level.B_LTA)
    (found,) = FORMAT.check(pdf, ())
    assert (found.level, found.problems) == (Level.B_LTA, ())


def test_signers_follow_one_another_and_none_is_broken(tmp_path: Path) -> None:
    other = PKI.holder("Ben Other")
    pdf = raised(sign(pdf_files.form(), certify=2), Level.B_LTA)
    with pytest.raises(FormatError, match="certified"):
        sign(pdf, other, box=BOX, text="Ben", fonts=fonts())
    pdf = raised(sign(pdf, other, field="Place", text="Ben", fonts=fonts()), Level.B_LTA)
    assert "Ben" in drawn(tmp_path, pdf)
    found = FORMAT.check(pdf, ())
    assert [one.covers for one in found] == [("Signature1",), ("Place",)]
    assert {one.level for one in found} == {Level.B_LTA}
    assert not problems(found)
    assert ran(tmp_path, pdf, "pdfsig", "-nocert").count("Signature is Valid") == 2


def test_a_signature_of_other_software_stays_valid_below_ours(tmp_path: Path) -> None:
    other = PKI.holder("Eva Elsewhere", rsa.generate_private_key(65_537, 2_048))
    theirs = pdf_files.signed_by_pyhanko(
        pdf_files.form(), other.private(serialization.Encoding.DER), other.der
    )
    pdf = raised(sign(theirs, field="Place", text="Ana", fonts=fonts()), Level.B_LTA)
    found = FORMAT.check(pdf, ())
    assert [(one.covers, one.alg) for one in found] == [
        (("Theirs",), "RS256"),
        (("Place",), "ES256"),
    ]
    assert not problems(found)
    assert ran(tmp_path, pdf, "pdfsig", "-nocert").count("Signature is Valid") == 2


def test_a_visible_signature_shows_text_picture_and_code(tmp_path: Path) -> None:
    text = "Signed by Ana\nin Lisbon é"
    shown = sign(pdf_files.document(), box=BOX, text=text, picture=JPEG, fonts=fonts())
    assert b"/DCTDecode" in shown
    coded = sign(pdf_files.document(), box=BOX, text="Check", qr="https://a.example", fonts=fonts())
    for pdf in (shown, coded):
        assert not problems(FORMAT.check(pdf, ()))
    assert "Check" in drawn(tmp_path, coded)
    for wishes in ({"picture": b"PNG"}, {"qr": "x" * 5000}, {"text": "x" * 501}, {"text": "日本"}):
        with pytest.raises(FormatError):
            sign(pdf_files.document(), box=BOX, fonts=fonts(), **wishes)
    with pytest.raises(FormatError, match="none is set"):
        sign(pdf_files.document(), box=BOX, text="x")


def test_what_is_asked_of_a_document_is_refused_when_it_cannot_be() -> None:
    once = sign(pdf_files.document(), field="Mine")
    with pytest.raises(FormatError, match="signed already"):
        sign(once, field="Mine")
    with pytest.raises(FormatError, match="first signature"):
        sign(once, certify=2)
    with pytest.raises(FormatError, match="no further signature"):
        sign(sign(pdf_files.document(), certify=1))
    with pytest.raises(FormatError, match="not prepared"):
        item = Item(name="a", digest=bytes(32), content=pdf_files.document())
        FORMAT.prepare([item], Wish())
    with pytest.raises(FormatError, match="letters"):
        sign(pdf_files.document(), reason="x" * 201)
    with pytest.raises(FormatError):
        sign(pdf_files.document(), page=7, box=(1, 1, 2, 2), text="x")


HIDDEN = {"/OCGs": [], "/D": {"/OFF": ["/x"]}}
REFUSED = {
    "encrypted": (pdf_files.document(password="x"), "encrypted"),
    "XFA": (pdf_files.document(root={"/AcroForm": {"/Fields": [], "/XFA": "x"}}), "XFA"),
    "layers": (pdf_files.document(root={"/OCProperties": HIDDEN}), "layers"),
    "script": (pdf_files.with_action("/JavaScript"), "JavaScript"),
    "named script": (pdf_files.document(root={"/Names": {"/JavaScript": {}}}), "JavaScript"),
    "launch": (pdf_files.with_action("/Launch"), "starts a program"),
    "submit": (pdf_files.with_action("/SubmitForm"), "sends form"),
    "layer switch": (pdf_files.with_action("/SetOCGState"), "layers"),
    "later action": (
        pdf_files.document(
            root={"/OpenAction": {"/S": "/GoTo", "/Next": [{"/S": "/URI"}, {"/S": "/Launch"}]}}
        ),
        "starts a program",
    ),
    "no PDF": (b"hello", "no PDF"),
    "hybrid": (pdf_files.hybrid(), "hybrid references"),
    "damaged": (pdf_files.document()[:-200], "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_document_that_may_show_something_else_is_refused(name: str) -> None:
    pdf, reason = REFUSED[name]
    with pytest.raises(FormatError, match=reason):
        sign(pdf)


SIGNED = sign(pdf_files.document())
REPLACED = b"BT /F 12 Tf 72 700 Td (Page 0: pay 999 to Eve) Tj ET"


def test_a_page_that_is_replaced_after_signing_is_named() -> None:
    """The incremental saving attack, and the shadow attack that hides a page until then."""
    assert problems(FORMAT.check(pdf_files.changed(SIGNED, REPLACED), ())) == {"FORMAT_FAILURE"}


def test_an_annotation_laid_over_the_page_after_signing_is_named() -> None:
    """The evil annotation attack: what is shown changes, and no page content does."""
    for pdf in (SIGNED, sign(pdf_files.document(), certify=2)):
        changed = pdf_files.annotated(pdf, "Pay 999 to Eve")
        assert problems(FORMAT.check(changed, ())) == {"FORMAT_FAILURE"}


def test_a_changed_octet_that_is_covered_is_named() -> None:
    place = SIGNED.index(b"/MediaBox") + 13
    pdf = SIGNED[:place] + b"1" + SIGNED[place + 1 :]
    assert "HASH_FAILURE" in problems(FORMAT.check(pdf, ()))


def test_more_left_out_than_the_contents_is_refused() -> None:
    """The universal forgery and the wrapping attack move or widen the range."""
    place = SIGNED.index(b"/ByteRange") + 10
    numbers = SIGNED[place : SIGNED.index(b"]", place) + 1]
    first, gap, after, rest = map(int, numbers.strip(b" []").split())
    for forged in ([first, gap - 30, after, rest], [1, gap, after, rest], [0, gap, after, -1]):
        text = ("[" + " ".join(map(str, forged)) + "]").encode()
        pdf = SIGNED.replace(numbers, b" " + text.ljust(len(numbers) - 1), 1)
        try:
            found = FORMAT.check(pdf, ())
        except FormatError:
            continue
        assert problems(found)


def test_octets_hidden_behind_the_signature_in_its_contents_are_refused() -> None:
    place = SIGNED.index(b"0" * 200)
    pdf = SIGNED[: place + 100] + b"ab" + SIGNED[place + 102 :]
    with pytest.raises(FormatError, match="not signed"):
        FORMAT.check(pdf, ())


def test_a_time_stamp_over_another_document_is_never_put_in() -> None:
    pdf = raised(SIGNED, Level.B_LT)
    with pytest.raises(FormatError, match="something else"):
        FORMAT.augment(pdf, Level.B_LTA, Evidence(timestamp=PKI.token(b"another")))
    with pytest.raises(FormatError, match="continued"):
        FORMAT.to_stamp(pdf_files.changed(SIGNED, REPLACED))


def test_from_the_digest_of_a_byte_range_alone(tmp_path: Path) -> None:
    """What an integrator gets who keeps the PDF: the message for /Contents."""
    pdf = pdf_files.document()
    item = Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)
    prepared = FORMAT.prepare([item], Wish(pdf=PdfWish(at=AT)))
    alone = Item(name="a.pdf", digest=prepared.digests[0])
    message = embedded(alone, Wish())
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_stamp(message)))
    message = FORMAT.augment(message, Level.B_T, stamp)
    (found,) = FORMAT.check(message, [alone])
    assert (found.problems, found.level, found.claimed_at) == ((), Level.B_T, None)
    with pytest.raises(FormatError, match="lies in the PDF"):
        FORMAT.augment(message, Level.B_LT, PKI.material(PKI.signer))
    content = prepared.content or b""
    place = content.rfind(b"<000000") + 1
    filled = content[:place] + message.hex().encode() + content[place + 2 * len(message) :]
    assert "Signature is Valid" in ran(tmp_path, filled, "pdfsig", "-nocert")
    assert FORMAT.check(filled, ())[0].level is Level.B_T


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_a_flipped_bit_is_refused_or_named_or_is_padding(place: int, change: int) -> None:
    octets = bytearray(SIGNED)
    octets[place] ^= change
    try:
        found = FORMAT.check(bytes(octets), ())
    except FormatError:
        return
    begins, ends = SIGNED.index(b"/Contents <") + 10, SIGNED.rindex(b"0>") + 2
    assert problems(found) or begins <= place < ends


def test_the_same_document_and_wish_give_the_same_octets() -> None:
    item = Item(name="a.pdf", digest=b"", content=pdf_files.document())
    wish = Wish(pdf=PdfWish(at=AT))
    assert FORMAT.prepare([item], wish) == FORMAT.prepare([replace(item)], wish)
