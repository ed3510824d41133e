"""PAdES (ETSI EN 319 142-1): a signature for a PDF, from its digest alone or inside the PDF.

With the PDF at hand everything is done to it. From the digest of its byte range alone comes the
message for /Contents, at B-B or B-T; what B-LT adds is then put into the PDF by whoever has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from esignet.formats import cms_levels, pades_stream, pdf_checking, pdf_writing
from esignet.formats.cades import digest_of, readable, signer_of
from esignet.formats.format import Evidence, Format, FormatError, Found, Item, Level, Prepared, Wish
from esignet.formats.pdf_writing import Gap
from keystore.der import cms
from keystore.der.cms_reading import read_message
from keystore.signing.door import Signed


@dataclass(frozen=True, slots=True)
class Pades:
    """PAdES at every level."""

    name: str = "pades"

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be signed: the digest around /Contents.

        With content, which is a PDF, the signature's place is made in it as ``wish.pdf`` says, or
        is there already; without, the item's digest is that of the byte range.
        """
        if len(items) != 1:
            raise FormatError("a PAdES signature is in one PDF")
        item = items[0]
        if item.content is None:
            return pades_stream.prepared(item, wish, item.digest)
        stream = BytesIO(item.content)
        prepared = pades_stream.prepare(stream, item, wish)
        return pades_stream.kept(prepared, stream, stream.getvalue())

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the PDF with its signature, or the message for /Contents.

        The PDF may be its end alone, if the place is there.
        """
        signer = signer_of(signed, prepared.wish.hash_algorithm)
        message = cms.signed_by(signer, signed.chain[:-1])
        if prepared.content is None:
            return message
        if prepared.place is None:
            raise FormatError("the PDF has no place for the signature")
        stream = BytesIO(prepared.content)
        pdf_writing.fill(stream, Gap(*prepared.place), message)
        return stream.getvalue()

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the value of the signature, in a PDF of the last one."""
        if _is_pdf(signature):
            return pades_stream.to_stamp(BytesIO(signature))
        with readable():
            return cms_levels.unstamped(read_message(signature)).signature

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return what the document time-stamp covers: the PDF, around that stamp's /Contents."""
        _pdf_only(signature)
        return b"".join(pades_stream.to_archive(BytesIO(signature)))

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it raised; without the PDF a message is raised to B-T alone."""
        if level is Level.B_T and not _is_pdf(signature):
            with readable():
                message = read_message(signature)
                return cms_levels.with_timestamp(message, evidence.timestamp).der()
        _pdf_only(signature)
        stream = BytesIO(signature)
        pades_stream.augment(stream, level, evidence)
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


FORMAT: Format = Pades()
