"""PAdES (ETSI EN 319 142-1): a signature for a PDF, from its digest alone or inside the PDF.

With the PDF at hand everything is done to it. From the digest of its byte range alone comes the
message for /Contents, at B-B or B-T; what B-LT adds is then put into the PDF by whoever has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from esignet.formats import cms_levels, pdf_checking, pdf_writing
from esignet.formats.cades import digest_of, readable, signer_of
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.pdf_checking import Placed
from esignet.formats.pdf_writing import RESERVED, Gap
from keystore.checking.timestamp import BadTimestamp, read_token
from keystore.der import cms
from keystore.der.algorithms import HASHES
from keystore.der.cms_reading import Message, read_message
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed
from keystore.signing.plans import CmsPlan

_EMPTY = b"<" + b"0" * (2 * RESERVED) + b">"


@dataclass(frozen=True, slots=True)
class Pades:
    """PAdES at every level."""

    name: str = "pades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the digest around /Contents.

        With content, which is a PDF, the signature's place is made in it as ``wish.pdf`` says;
        without, the item's digest is that of the byte range already.
        """
        if len(items) != 1:
            raise FormatError("a PAdES signature is in one PDF")
        item, content, digest = items[0], None, items[0].digest
        if item.content is not None:
            if wish.pdf is None:
                raise FormatError("a PDF is signed with the time that the signer claims")
            stream = BytesIO(item.content)
            gap = pdf_writing.reserve(stream, wish.pdf)
            digest = pdf_writing.digest(stream, gap, wish.hash_algorithm)
            content = stream.getvalue()
        return Prepared(
            digests=(digest,),
            plan=CmsPlan(0, signing_time=False, commitment=wish.commitment),
            items=(replace(item, content=None),),
            wish=replace(wish, pdf=None),
            content=content,
        )

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the PDF with its signature, or the message for /Contents."""
        signer = signer_of(signed, prepared.wish.hash_algorithm)
        message = cms.signed_by(signer, signed.chain[:-1])
        if prepared.content is None:
            return message
        place = prepared.content.rfind(_EMPTY)
        if place < 0:
            raise FormatError("the PDF has no place for the signature")
        return _filled(prepared.content, Gap(place, place + len(_EMPTY)), message)

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the value of the signature, in a PDF of the last one."""
        with readable():
            message = read_message(_last(signature).contents if _is_pdf(signature) else signature)
            return cms_levels.unstamped(message).signature

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what the document time-stamp covers: the PDF, around that stamp's /Contents."""
        _pdf_only(signature)
        stream = BytesIO(signature)
        gap = pdf_writing.reserve_timestamp(stream)
        return b"".join(pdf_writing.covered(stream, gap))

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it raised; without the PDF a message is raised to B-T alone."""
        if level is Level.B_T:
            return _stamped(signature, evidence.timestamp)
        _pdf_only(signature)
        stream = BytesIO(signature)
        if level is Level.B_LT:
            pdf_writing.add_material(stream, _padded(_signature(signature)), evidence)
        elif level is Level.B_LTA:
            gap = pdf_writing.reserve_timestamp(stream)
            _over(stream, gap, evidence.timestamp)
            pdf_writing.fill(stream, gap, evidence.timestamp)
        else:
            raise FormatError("every signature is at B-B already")
        return stream.getvalue()

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature of a PDF, or the one of a message over the item's digest."""
        if _is_pdf(signature):
            return pdf_checking.found(BytesIO(signature))
        with readable():
            message = read_message(signature)
        if len(message.signers) != 1 or message.content is not None:
            raise FormatError("this is no PAdES signature")
        found = cms_levels.found(message, message.signers[0], digest_of(message, items))
        return (replace(found, covers=tuple(item.name for item in items[:1])),)


def _is_pdf(signature: bytes) -> bool:
    return signature.startswith(b"%PDF-")


def _pdf_only(signature: bytes) -> None:
    if not _is_pdf(signature):
        raise FormatError("validation material of PAdES lies in the PDF, which is not here")


def _filled(content: bytes, gap: Gap, contents: bytes) -> bytes:
    stream = BytesIO(content)
    pdf_writing.fill(stream, gap, contents)
    return stream.getvalue()


def _signature(pdf: bytes) -> Placed:
    """Return the newest signature of a PDF that is no time-stamp."""
    every = [one for one in pdf_checking.placed(BytesIO(pdf)) if not one.is_stamp]
    if not every:
        raise FormatError("the PDF has no signature")
    return max(every, key=lambda one: one.gap.begins)


def _last(pdf: bytes) -> Placed:
    found = _signature(pdf)
    if not found.last:
        raise FormatError("the PDF was continued after its signature")
    return found


def _stamped(signature: bytes, token: bytes) -> bytes:
    def with_token(message: Message) -> bytes:
        return cms_levels.with_timestamp(message, token).der()

    with readable():
        if not _is_pdf(signature):
            return with_token(read_message(signature))
        last = _last(signature)
        return _filled(signature, last.gap, with_token(read_message(last.contents)))


def _padded(one: Placed) -> bytes:
    """Return /Contents with its zeros, whose hash names it in a VRI dictionary."""
    return one.contents.ljust((one.gap.ends - one.gap.begins - 2) // 2, b"\0")


def _over(stream: BytesIO, gap: Gap, token: bytes) -> None:
    try:
        said = read_token(token)
    except BadTimestamp as fault:
        raise FormatError(str(fault)) from fault
    if pdf_writing.digest(stream, gap, HashAlgorithm(HASHES[said.hash_oid])) != said.imprint:
        raise FormatError("the time-stamp is over something else")


FORMAT: Format = Pades()
