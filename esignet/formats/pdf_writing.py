"""Writing signatures into a PDF as incremental updates: every octet before stays as it is.

All work is on a stream, in place, so that a large document lies in memory once at most. The same
document and wish give the same octets, whenever they are written.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import SEEK_END
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PdfSignedData, SignatureObject
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.pdf_embedded import read_certification_data

from esignet.formats.format import Evidence, FormatError
from esignet.formats.pdf_look import appearance, unseen
from esignet.formats.pdf_opening import at, inherited, opened, plain, readable
from esignet.formats.pdf_wish import PdfWish
from keystore.signing.digests import HashAlgorithm

RESERVED = 16 * 1024
"""Octets that a signature with its chain and a time-stamp may have."""

LONGEST = 200
"""Letters of a field's name, a reason or a location."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Where /Contents is, with its brackets: all else in the document is covered."""

    begins: int
    ends: int


class _Writer(IncrementalPdfFileWriter):
    """An update that changes nothing but what was asked, and is the same each time."""

    def __init__(self, stream: BinaryIO) -> None:
        reader = opened(stream)
        super().__init__(stream, prev=reader)
        stream.seek(0, SEEK_END)
        length = stream.tell()
        stream.seek(max(0, length - 4096))
        seed = hashlib.sha256(length.to_bytes(8, "big") + stream.read()).digest()[:16]
        named = "/ID" in reader.trailer
        first = reader.trailer["/ID"][0] if named else generic.ByteStringObject(seed)
        if isinstance(first, generic.TextStringObject):
            first = generic.ByteStringObject(first.original_bytes)
        self._document_id = generic.ArrayObject([first, generic.ByteStringObject(seed)])

    def _update_meta(self) -> None:
        """Leave the document's metadata alone."""


def reserve(stream: BinaryIO, wish: PdfWish) -> Gap:
    """Append a signature with empty /Contents, and return where they are.

    FormatError: the document may not be signed, or not so.
    """
    with readable():
        writer = _Writer(stream)
        _permitted(writer.prev, wish)
        placeholder = SignatureObject(
            timestamp=datetime.fromtimestamp(wish.at, UTC),
            subfilter=SigSeedSubFilter.PADES,
            location=wish.location,
            reason=wish.reason,
            bytes_reserved=2 * RESERVED,
        )
        permission = MDPPerm(wish.certify) if wish.certify else None
        certifies = SigMDPSetup("sha256", certify=bool(wish.certify), docmdp_perms=permission)
        return _written(writer, placeholder, wish, certifies)


def reserve_timestamp(stream: BinaryIO) -> Gap:
    """Append a document time-stamp (ETSI EN 319 142-1 §5.4.3) with empty /Contents."""
    with readable():
        writer = _Writer(stream)
        names = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
        wish = PdfWish(at=0, field=_unused(names, "Timestamp"))
        return _written(writer, DocumentTimestamp(bytes_reserved=2 * RESERVED), wish, None)


def fill(stream: BinaryIO, gap: Gap, contents: bytes) -> None:
    """Write a signature or token into /Contents; FormatError when it has not room there."""
    room = gap.ends - gap.begins - 2
    written = contents.hex().encode()
    if len(written) > room:
        raise FormatError("the signature is larger than the room that was left for it")
    stream.seek(gap.begins + 1)
    stream.write(written.ljust(room, b"0"))


def digest(stream: BinaryIO, gap: Gap, algorithm: HashAlgorithm) -> bytes:
    """Return the digest of everything around the gap, read piece by piece."""
    hashed = hashlib.new(algorithm.value)
    for piece in covered(stream, gap):
        hashed.update(piece)
    return hashed.digest()


def covered(stream: BinaryIO, gap: Gap) -> Iterator[bytes]:
    """Yield everything around the gap in pieces of at most a mebibyte."""
    stream.seek(0, SEEK_END)
    for begins, ends in ((0, gap.begins), (gap.ends, stream.tell())):
        stream.seek(begins)
        left = ends - begins
        while left:
            piece = stream.read(min(left, _CHUNK))
            if not piece:
                return
            left -= len(piece)
            yield piece


def add_material(stream: BinaryIO, contents: bytes, evidence: Evidence) -> None:
    """Append a document security store with what checks the signature ``contents`` (§5.4.2)."""
    from asn1crypto import crl, ocsp, x509  # the objects that the PDF library asks for

    with readable():
        writer = _Writer(stream)
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            contents.hex().encode().upper(),
            certs=[x509.Certificate.load(one) for one in evidence.certificates],
            ocsps=[ocsp.OCSPResponse.load(one) for one in evidence.ocsp],
            crls=[crl.CertificateList.load(one) for one in evidence.crls],
        )
        writer.write_in_place()  # type: ignore[no-untyped-call]


def _permitted(reader: Any, wish: PdfWish) -> None:
    signed = any(enumerate_sig_fields(reader, filled_status=True))
    is_certified = read_certification_data(reader) is not None
    if max(len(wish.field), len(wish.reason), len(wish.location)) > LONGEST:
        raise FormatError(f"a name, reason or location has more than {LONGEST} letters")
    if not 0 <= wish.certify <= 3:
        raise FormatError("a certification permits 1, 2 or 3")
    if wish.certify and signed:
        raise FormatError("only the first signature of a PDF can certify it")
    if _is_final(reader):
        raise FormatError("the PDF is certified and permits no further signature")
    if is_certified and wish.box:
        raise FormatError("the PDF is certified: a visible signature needs a field that is there")
    if wish.box and not -1 <= wish.page < int(plain(reader.root["/Pages"]["/Count"])):
        raise FormatError("the PDF has no such page")
    if wish.box and not (wish.box[0] < wish.box[2] and wish.box[1] < wish.box[3]):
        raise FormatError("the box of a visible signature has no extent")
    if wish.box and not (wish.text or wish.picture or wish.qr):
        raise FormatError("a visible signature needs a text, a picture or a QR code")


def _written(
    writer: _Writer, placeholder: PdfSignedData, wish: PdfWish, certifies: SigMDPSetup | None
) -> Gap:
    fields = {name: value for name, value, _ in enumerate_sig_fields(writer.prev)}
    if wish.field in fields and fields[wish.field] is not None:
        raise FormatError("that signature field is signed already")
    name = wish.field or _unused(set(fields), "Signature")
    spec = None
    if name not in fields:
        spec = SigFieldSpec(name, on_page=wish.page, box=wish.box)
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(name, writer)
    _show(writer, next(steps).get_object(), wish)
    steps.send(SigObjSetup(placeholder, mdp_setup=certifies))
    prepared, _ = steps.send(SigIOSetup(md_algorithm="sha256", in_place=True))
    return Gap(prepared.reserved_region_start, prepared.reserved_region_end)


def _show(writer: _Writer, field: Any, wish: PdfWish) -> None:
    """Give the field its look, in the place that it has on its page."""
    left, bottom, right, top = (round(float(edge)) for edge in field.get("/Rect", (0, 0, 0, 0)))
    if (wish.text or wish.picture or wish.qr) and left < right and bottom < top:
        box = (left, bottom, right, top)
        shown = appearance(writer, replace(wish, box=box), _turned(field, box))
    elif "/AP" not in field and not _is_final(writer.prev):
        shown = unseen(writer)
    else:
        return
    field["/AP"] = generic.DictionaryObject({generic.pdf_name("/N"): shown})
    writer.update_container(field)


def _is_final(reader: Any) -> bool:
    """Return whether the PDF permits no more than time-stamps: a look of a field is a change."""
    certified = read_certification_data(reader)
    return certified is not None and certified.permission is MDPPerm.NO_CHANGES


def _turned(field: Any, box: tuple[int, int, int, int]) -> int:
    """Return by how many degrees the field's page is turned; FormatError: the box is not on it."""
    page = at(field, "/P", {})
    room = [float(plain(edge)) for edge in inherited(page, "/CropBox") or _media(page)]
    low, high = (min(room[0], room[2]), min(room[1], room[3])), (max(room[::2]), max(room[1::2]))
    if box[0] < low[0] or box[1] < low[1] or box[2] > high[0] or box[3] > high[1]:
        raise FormatError("the box of the visible signature is not on its page")
    return int(inherited(page, "/Rotate") or 0) % 360


def _media(page: Any) -> Any:
    return inherited(page, "/MediaBox") or (0, 0, 612, 792)


def _unused(names: set[str], stem: str) -> str:
    return next(f"{stem}{n}" for n in range(1, len(names) + 2) if f"{stem}{n}" not in names)
