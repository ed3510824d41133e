"""A PDF that other software prepared is signed in its own place, or refused by name before that."""

import hashlib
from dataclasses import replace

import pytest

from esignet.formats.format import Evidence, FormatError, Item, Level, Prepared, Wish
from esignet.formats.pades import FORMAT
from tests import pdf_files
from tests.format_signing import answered
from tests.pdf_files import Waiting
from tests.small_pki import SmallPki

PKI = SmallPki()
USUAL = Waiting()
OTHER_FIELD = b"<</FT/Sig/T(Other)/V 7 0 R>>"
ZEROS = b"0" * 16 * 1024


def prepared(pdf: bytes, envelope: str = "detached") -> Prepared:
    item = Item(name="a.pdf", digest=hashlib.sha256(pdf).digest(), content=pdf)
    return FORMAT.prepare([item], Wish(envelope=envelope))


def raised(pdf: bytes) -> bytes:
    """Up to B-LTA."""
    pdf = FORMAT.augment(pdf, Level.B_T, Evidence(timestamp=PKI.token(FORMAT.to_stamp(pdf))))
    pdf = FORMAT.augment(pdf, Level.B_LT, PKI.material(PKI.signer))
    stamp = Evidence(timestamp=PKI.token(FORMAT.to_archive(pdf, ())))
    return FORMAT.augment(pdf, Level.B_LTA, stamp)


@pytest.mark.spec("ETSI EN 319 142-1 §6.3")
@pytest.mark.parametrize("before", [pdf_files.form(), pdf_files.pdf_2()])
async def test_the_place_of_other_software_is_filled_and_no_other_octet(before: bytes) -> None:
    pdf = await pdf_files.prepared_by_pyhanko(before)
    ours = prepared(pdf)
    begins, ends = ours.place or (0, 0)
    assert ours.digests == (hashlib.sha256(pdf[:begins] + pdf[ends:]).digest(),)
    assert ours.content == pdf, "looking for the place leaves nothing behind"
    made = FORMAT.embed(ours, answered(ours, PKI.signer))
    assert (made[:begins], made[ends:]) == (pdf[:begins], pdf[ends:])
    (found,) = FORMAT.check(raised(made), ())
    assert (found.level, found.problems, found.covers) == (Level.B_LTA, (), ("Theirs",))


def test_a_document_prepared_by_hand_goes_to_the_highest_level() -> None:
    ours = prepared(USUAL.made())
    (found,) = FORMAT.check(raised(FORMAT.embed(ours, answered(ours, PKI.signer))), ())
    assert (found.level, found.problems, found.covers) == (Level.B_LTA, (), ("Place",))


def entry(old: bytes, new: bytes) -> Waiting:
    return replace(USUAL, entries=USUAL.entries.replace(old, new))


def second(value: bytes) -> Waiting:
    """With a second signature, or what else a second field leads to."""
    return replace(USUAL, fields=b"[4 0 R 6 0 R]", objects=(OTHER_FIELD, value))


REFUSED = {
    "unprepared": (replace(USUAL, fields=b"[]"), "not prepared: .* POST /signature-requests"),
    "filled": (replace(USUAL, digits=b"30".ljust(16 * 1024, b"0")), "not prepared"),
    "two places": (second(b"<</Contents<%s>>>" % ZEROS), "more than one signature"),
    "one place of two fields": (second(b"5 0 R"), "more than one signature"),
    "two contents": (entry(b"/M", b"/Contents<00>/M"), "damaged: Multiple definitions"),
    "contents elsewhere": (second(b"<</Contents 5 0 R>>"), "not within"),
    "contents no string": (second(b"<</Contents 7>>"), "no string"),
    "other kind": (entry(b"ETSI.CAdES", b"adbe.pkcs7"), "SubFilter"),
    "no kind": (entry(b"/SubFilter/ETSI.CAdES.detached", b""), "SubFilter"),
    "a time-stamp": (entry(b"/Type/Sig", b"/Type/DocTimeStamp"), "no signature"),
    "no filter": (entry(b"/Filter/Any", b""), "no Filter"),
    "a certificate": (entry(b"/M", b"/Cert(x)/M"), "Cert"),
    "no time": (entry(b"/M(D:20260601120000Z)", b""), "no M"),
    "a time that is none": (entry(b"D:2026", b"D:99xx"), "no date"),
    "a time that is a number": (entry(b"(D:20260601120000Z)", b" 7"), "no M"),
    "no range": (replace(USUAL, range="null"), "no ByteRange within it"),
    "range elsewhere": (replace(USUAL, range="6 0 R", objects=(b"[0 1 2 3]",)), "within it"),
    "three numbers": (replace(USUAL, range="[0 {begins} {ends}]"), "four whole numbers"),
    "six numbers": (replace(USUAL, range="[0 {begins} {ends} {rest} 0 0]"), "four whole numbers"),
    "a fraction": (replace(USUAL, range="[0.0 {begins} {ends} {rest}]"), "four whole numbers"),
    "a late start": (replace(USUAL, range="[1 {begins} {ends} {rest}]"), "from the start"),
    "overlapping": (replace(USUAL, range="[0 {ends} {begins} {rest}]"), "from the start"),
    "negative": (replace(USUAL, range="[0 -1 {ends} {rest}]"), "from the start"),
    "nothing left out": (replace(USUAL, range="[0 {ends} {ends} {rest}]"), "from the start"),
    "a gap before": (replace(USUAL, range="[0 9 {ends} {rest}]"), "something else"),
    "a gap at the end": (replace(USUAL, range="[0 {begins} {ends} 9]"), "to the end"),
    "continued": (replace(USUAL, after=b"\n"), "to the end"),
    "no hexadecimal digits": (replace(USUAL, digits=b"0" * 9_000 + b"zz" + ZEROS), "damaged"),
    "blanks": (replace(USUAL, digits=b" " * 16 + ZEROS), "something else than zeros"),
    "half an octet": (replace(USUAL, digits=ZEROS + b"0"), "something else than zeros"),
    "no room": (replace(USUAL, digits=b"00" * 8_191), "fewer than 8192"),
    "too much room": (replace(USUAL, digits=b"00" * (128 * 1024 + 1)), "more than 131072"),
    "script": (replace(USUAL, root=b"/OpenAction<</S/JavaScript/JS(x)>>"), "JavaScript"),
    "hidden layers": (replace(USUAL, root=b"/OCProperties<</D<</OFF[3 0 R]>>>>"), "layers"),
}


@pytest.mark.attack("A5")
@pytest.mark.parametrize("name", REFUSED)
def test_a_place_that_could_be_misread_is_refused_by_name(name: str) -> None:
    waiting, reason = REFUSED[name]
    with pytest.raises(FormatError, match=reason):
        prepared(waiting.made())


def test_zeros_that_no_reader_takes_for_the_contents_are_refused() -> None:
    """Else a signature would go into a comment, and what stands in its stead be free."""
    decoy = b"%<" + ZEROS + b">\n"
    pdf = replace(USUAL, range="[0 {begins:08} {ends:08} {rest:08}]").made()
    place = pdf.index(b"trailer")
    pdf = pdf[:place] + decoy + pdf[place:]
    begins, ends = place + 1, place + len(decoy) - 1
    start = pdf.index(b"/ByteRange [")
    told = b"/ByteRange [0 %08d %08d %08d]" % (begins, ends, len(pdf) - ends)
    pdf = pdf[:start] + told + pdf[start + len(told) :]
    with pytest.raises(FormatError, match="something else than the contents"):
        prepared(pdf)


async def test_a_certification_is_what_was_asked_for_or_refused() -> None:
    certified = await pdf_files.prepared_by_pyhanko(pdf_files.document(), certify=True)
    plain = await pdf_files.prepared_by_pyhanko(pdf_files.document())
    assert prepared(certified, "certification").digests == prepared(certified).digests
    assert prepared(plain, "revision").digests == prepared(plain, "prepared").digests
    with pytest.raises(FormatError, match="prepared for a certification"):
        prepared(certified, "revision")
    with pytest.raises(FormatError, match="prepared for no certification"):
        prepared(plain, "certification")


def test_a_signature_that_has_no_room_is_not_cut() -> None:
    ours = prepared(USUAL.made())
    begins, _ = ours.place or (0, 0)
    with pytest.raises(FormatError, match="larger than the room"):
        FORMAT.embed(replace(ours, place=(begins, begins + 102)), answered(ours, PKI.signer))
