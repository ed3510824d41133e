"""Reading the signatures of a PDF, and whether what came after them was theirs to permit.

pyHanko says which revision a signature covers and what later revisions changed; the signatures
themselves are judged as all others are.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, read_certification_data

from esignet.formats import cms_levels
from esignet.formats.format import Evidence, FormatError, Found, Level
from esignet.formats.pdf_opening import at, ended, plain, readable
from esignet.formats.pdf_reader import FrugalReader, Spared
from esignet.formats.pdf_writing import Gap, covered
from keystore.checking.message import Problem
from keystore.checking.timestamp import BadTimestamp, check_digest
from keystore.der import oids
from keystore.der.cms_reading import Message, read_message
from keystore.der.reader import NotDer

_PADES, _ADOBE, _STAMP = "/ETSI.CAdES.detached", "/adbe.pkcs7.detached", "/ETSI.RFC3161"


@dataclass(frozen=True, slots=True)
class Placed:
    """A signature or document time-stamp as it stands in a PDF.

    ``contents`` is the message without its padding; ``last`` says that nothing follows it.
    """

    gap: Gap
    contents: bytes
    field: str
    is_stamp: bool
    last: bool
    embedded: EmbeddedPdfSignature


def placed(stream: BinaryIO) -> list[Placed]:
    """Return every signature and document time-stamp, in the order of their revisions.

    FormatError: the file is no PDF that can be judged, or a signature in it cannot be read.
    """
    with readable():
        ended(stream)
        reader = FrugalReader(Spared(stream), strict=True)
        if reader.security_handler is not None:
            raise FormatError("the PDF is encrypted and cannot be judged")
        if reader.xrefs.hybrid_xrefs_present:
            raise FormatError("the PDF has hybrid references, which readers may read differently")
        return [_placed(stream, one) for one in reader.embedded_signatures]


def found(stream: BinaryIO, *, whole: bool = True) -> tuple[Found, ...]:
    """Return what every signature in a PDF is; FormatError: there is none, or no PDF.

    Archive time-stamps come with what they cover unless that is too large, as ``whole`` says.
    """
    every = placed(stream)
    if all(one.is_stamp for one in every):
        raise FormatError("the PDF has no signature")
    with readable():
        stamps = [_stamp(stream, one, whole) for one in every if one.is_stamp]
        material = _material(every[0].embedded.reader)
        return tuple(
            _found(stream, one, [stamp for stamp in stamps if stamp.after(one)], material)
            for one in every
            if not one.is_stamp
        )


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A document time-stamp: what it covers, and what is wrong with it."""

    place: Placed
    covered: bytes
    problems: tuple[Problem, ...]

    def after(self, other: Placed) -> bool:
        """Return whether this stamp's revision came after another's."""
        return self.place.gap.begins > other.gap.begins


def _placed(stream: BinaryIO, one: EmbeddedPdfSignature) -> Placed:
    numbers = [int(number) for number in one.byte_range]
    if len(numbers) != 4 or numbers[0] != 0 or any(number < 0 for number in numbers):
        raise FormatError("a signature covers an unusual part of the PDF")
    gap = Gap(numbers[1], numbers[2])
    stream.seek(gap.begins)
    written = stream.read(gap.ends - gap.begins) if 2 < gap.ends - gap.begins < 1 << 24 else b""
    if written[:1] + written[-1:] != b"<>":
        raise FormatError("a signature leaves more out than its own contents")
    contents = bytes.fromhex(written[1:-1].decode("ascii"))
    if contents != one.pkcs7_content:
        raise FormatError("a signature leaves out something else than its contents")
    kind = str(one.sig_object["/SubFilter"])
    if kind not in (_PADES, _ADOBE, _STAMP) or "/Cert" in one.sig_object:
        raise FormatError("a signature is of a kind that is not judged here")
    end = stream.seek(0, 2)
    return Placed(
        gap=gap,
        contents=unpadded(contents),
        field=str(one.field_name),
        is_stamp=kind == _STAMP,
        last=gap.ends + numbers[3] == end,
        embedded=one,
    )


def unpadded(contents: bytes) -> bytes:
    """Return the message at the start; only zeros may follow it (ISO 32000-2 §12.8.3.3)."""
    head = 2 + (contents[1] & 0x7F if contents[1:2] > b"\x80" else 0)
    length = int.from_bytes(contents[2:head], "big") if head > 2 else contents[1]
    if contents[head + length :].strip(b"\0"):
        raise FormatError("a signature is followed by something that is not signed")
    return contents[: head + length]


def _found(stream: BinaryIO, one: Placed, stamps: list[_Stamp], material: Evidence) -> Found:
    message = _message(one)
    read = cms_levels.found(message, message.signers[0], _digester(stream, one))
    later = [problem for stamp in stamps for problem in stamp.problems]
    right = [(stamp.place.contents, stamp.covered) for stamp in stamps if not stamp.problems]
    certificates = tuple(dict.fromkeys((*read.evidence.certificates, *material.certificates)))
    evidence = replace(material, certificates=certificates)
    return replace(
        read,
        level=_level(read, right, material),
        claimed_at=_claimed(one.embedded),
        problems=(*read.problems, *_form(one, message), *_changes(one), *later),
        archive=tuple(right),
        evidence=evidence,
        covers=(one.field,),
    )


def _message(one: Placed) -> Message:
    try:
        message = read_message(one.contents)
    except NotDer as fault:
        raise FormatError(f"a signature of the PDF cannot be read: {fault}") from fault
    if len(message.signers) != 1:
        raise FormatError("a signature of the PDF has not exactly one signer")
    return message


def _form(one: Placed, message: Message) -> Iterator[Problem]:
    """Yield what EN 319 142-1 §6.3 forbids."""
    if message.content is not None:
        yield "FORMAT_FAILURE", "the signature holds a content of its own"
    if str(one.embedded.sig_object["/SubFilter"]) == _PADES and message.signers[0].attributes.get(
        oids.SIGNING_TIME
    ):
        yield "FORMAT_FAILURE", "the signature has a signing-time attribute, which PAdES forbids"


def _changes(one: Placed) -> Iterator[Problem]:
    """Yield whether later revisions changed more than they may."""
    one.embedded.compute_integrity_info()
    if not one.embedded.summarise_integrity_info()["docmdp_ok"]:
        yield "FORMAT_FAILURE", f"the PDF was changed after the signature in {one.field}"[:200]
    elif filled := _filled_in(one):
        told = f"the field {filled[0]} was filled in after the signature in {one.field}"
        yield "FORMAT_FAILURE", told[:200]


def _filled_in(one: Placed) -> list[str]:
    """Return the fields but signatures that were filled in without the author's permission.

    ISO 32000-2 §12.8.2 leaves it open where no certification permits or forbids it. A value that
    its signer never saw is not signed.
    """
    reader = one.embedded.reader
    changed: set[str] = getattr(one.embedded.diff_result, "changed_form_fields", set())
    filled = sorted(changed - {name for name, _, _ in enumerate_sig_fields(reader)})
    if not filled:
        return []
    then: Any = reader.get_historical_resolver(one.embedded.signed_revision)
    certified = read_certification_data(then)
    permitted = certified is not None and certified.permission is not MDPPerm.NO_CHANGES
    return [] if permitted else filled


def _level(read: Found, stamps: list[tuple[bytes, bytes]], material: Evidence) -> Level:
    if not read.timestamps and not stamps:
        return Level.B_B
    if not (material.ocsp or material.crls):
        return Level.B_T
    return Level.B_LTA if stamps else Level.B_LT


def _stamp(stream: BinaryIO, one: Placed, whole: bool) -> _Stamp:
    problems: list[Problem] = []
    try:
        check_digest(one.contents, _digester(stream, one))
    except BadTimestamp as fault:
        problems.append(("SIG_CONSTRAINTS_FAILURE", str(fault)))
    octets = b"".join(_pieces(stream, one)) if whole else b""
    return _Stamp(one, octets, (*problems, *_changes(one)))


def _digester(stream: BinaryIO, one: Placed) -> Callable[[str], bytes]:
    """Return what digests the octets that a signature or time-stamp covers."""

    def digest(name: str) -> bytes:
        hashed = hashlib.new(name)
        for piece in _pieces(stream, one):
            hashed.update(piece)
        made = hashed.digest()
        one.embedded.external_digests[name] = made  # else all of it would be read once more
        return made

    return digest


def _pieces(stream: BinaryIO, one: Placed) -> Iterator[bytes]:
    left = one.gap.begins + int(one.embedded.byte_range[3])
    for piece in covered(stream, one.gap):
        if left <= 0:
            return
        yield piece[:left]
        left -= len(piece)


def _claimed(one: EmbeddedPdfSignature) -> int | None:
    claimed = one.self_reported_timestamp
    return int(claimed.timestamp()) if claimed else None


def _material(reader: PdfFileReader) -> Evidence:
    store: Any = at(reader.root, "/DSS", {})

    def streams(name: str) -> tuple[bytes, ...]:
        return tuple(plain(one).data for one in at(store, name, ()))

    return Evidence(certificates=streams("/Certs"), ocsp=streams("/OCSPs"), crls=streams("/CRLs"))
