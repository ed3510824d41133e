"""The place for a signature that other software made in a PDF: found strictly, or refused by name.

What is approved there is the digest of everything around that place. So the place has to be the
signature's own, the only one that waits, and all that is left out.
"""

from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import read_certification_data

from esignet.formats.format import FormatError
from esignet.formats.pdf_opening import at, opened, plain, readable
from esignet.formats.pdf_reader import FrugalReader
from esignet.formats.pdf_writing import Gap, fill

LEAST = 8 * 1024
"""Octets of room for a signature with its chain and a time-stamp: most software leaves as many."""

MOST = 128 * 1024
"""Octets of room that are taken: no signature needs as many."""

_PROBE = b"\x30\x82probe"


def prepared_place(stream: BinaryIO, envelope: str) -> Gap:
    """Return where /Contents of the one signature that waits for them are.

    ``envelope`` says which kind it has to be: ``certification``, ``revision``, or any other word
    for either. FormatError: there is none, or not exactly one that a reader cannot misread.
    """
    with readable():
        reader = opened(stream)
        waiting = _waiting(reader)
        if not waiting:
            raise FormatError(
                "the PDF is not prepared: no signature in it waits for its contents;"
                " POST /signature-requests prepares it"
            )
        if len(waiting) > 1:
            raise FormatError("the PDF has more than one signature that waits for its contents")
        (signature,) = waiting
        _judge(signature)
        _judge_certification(reader, signature, envelope)
        gap = _gap(stream, signature)
        _judge_own(stream, gap)
    return gap


def _waiting(reader: Any) -> list[Any]:
    every = [plain(value) for _, value, _ in enumerate_sig_fields(reader, filled_status=True)]
    return [one for one in every if _is_empty(one)]


def _is_empty(signature: Any) -> bool:
    return not _contents(signature).strip(b"\0")


def _contents(signature: Any) -> bytes:
    written = signature.raw_get("/Contents") if "/Contents" in signature else b""
    if isinstance(written, generic.IndirectObject):
        raise FormatError("the contents of a signature are not within it")
    if isinstance(written, generic.TextStringObject):
        return bytes(written.original_bytes)
    if not isinstance(written, bytes):
        raise FormatError("the contents of a signature are no string")
    return bytes(written)


def _judge(signature: Any) -> None:
    """Refuse what EN 319 142-1 §6.3 does not have in the dictionary of a signature."""
    if at(signature, "/Type", "/Sig") != "/Sig":
        raise FormatError("what waits for its contents is no signature")
    if at(signature, "/SubFilter") != "/ETSI.CAdES.detached":
        raise FormatError("the SubFilter of the signature is not ETSI.CAdES.detached")
    if "/Filter" not in signature:
        raise FormatError("the signature has no Filter")
    if "/Cert" in signature:
        raise FormatError("the signature has a Cert, which belongs into its contents")
    claimed = at(signature, "/M")
    if not isinstance(claimed, str):
        raise FormatError("the signature has no M, the time that its signer claims")
    try:
        generic.parse_pdf_date(claimed, strict=True)
    except Exception as fault:  # the library's own, of several kinds
        raise FormatError("the signature's M is no date") from fault


def _judge_certification(reader: Any, signature: Any, envelope: str) -> None:
    """Refuse a certification that forbids the signature, or is not what was asked for."""
    certified = read_certification_data(reader)
    certifies = certified is not None and _is_empty(plain(certified.author_sig))
    filled = len(list(enumerate_sig_fields(reader, filled_status=True))) > 1
    if certifies and filled:
        raise FormatError("only the first signature of a PDF can certify it")
    if certified and not certifies and certified.permission is MDPPerm.NO_CHANGES:
        raise FormatError("the PDF is certified and permits no further signature")
    if envelope in ("certification", "revision") and certifies != (envelope == "certification"):
        made = "a certification" if certifies else "no certification"
        raise FormatError(f"the PDF is prepared for {made}")


def _gap(stream: BinaryIO, signature: Any) -> Gap:
    """Return what the byte range leaves out (ISO 32000-2 §12.8.1): empty contents, whole."""
    written = signature.raw_get("/ByteRange") if "/ByteRange" in signature else None
    if not isinstance(written, generic.ArrayObject):
        raise FormatError("the signature has no ByteRange within it")
    numbers = [written.raw_get(place) for place in range(len(written))]
    if len(numbers) != 4 or not all(isinstance(one, generic.NumberObject) for one in numbers):
        raise FormatError("the ByteRange is not four whole numbers")
    start, begins, ends, rest = (int(one) for one in numbers)
    if start != 0 or not 0 < begins < ends or rest < 0:
        raise FormatError("the ByteRange does not go from the start around one place")
    if ends + rest != stream.seek(0, 2):
        raise FormatError("the ByteRange does not go to the end of the PDF")
    room = (ends - begins - 2) // 2
    if room > MOST:
        raise FormatError(f"the place of the signature has more than {MOST} octets")
    stream.seek(begins)
    left_out = stream.read(ends - begins)
    if left_out[:1] + left_out[-1:] != b"<>":
        raise FormatError("the ByteRange leaves out something else than the contents")
    if left_out[1:-1].strip(b"0") or len(left_out) % 2:
        raise FormatError("the place of the signature holds something else than zeros")
    if room < LEAST:
        raise FormatError(f"the place of the signature has fewer than {LEAST} octets")
    return Gap(begins, ends)


def _judge_own(stream: BinaryIO, gap: Gap) -> None:
    """Refuse a place that is not where a reader finds the contents, by writing there for a moment.

    Empty digits elsewhere, in a comment or another object, would be filled, and never be read.
    """
    fill(stream, gap, _PROBE)
    try:
        left = _waiting(FrugalReader(stream, strict=True))
    finally:
        fill(stream, gap, b"")
    if left:
        raise FormatError("the ByteRange leaves out something else than the contents")
