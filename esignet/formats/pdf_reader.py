"""A reader of PDFs that does not keep what is large: a document of scans is read page by page."""

import hashlib
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

LARGE = 64 * 1024
"""Octets from which a stream is read again rather than kept."""

LARGEST = 16 * 1024 * 1024
"""Octets from which a stream is not read at all: what is in it is compared, and never shown."""

_PIECE = 1 << 20


class Spared:
    """A PDF of which long streams are told by their length and digest, instead of their octets.

    Whoever judges changes finds them changed or not; nothing that is judged is written anywhere.
    """

    def __init__(self, pdf: BinaryIO) -> None:
        self._pdf = pdf
        self.seek, self.tell, self.readinto = pdf.seek, pdf.tell, pdf.readinto  # type: ignore[attr-defined]

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` octets, or what tells them."""
        if size < LARGEST:
            return self._pdf.read(size)
        hashed, left = hashlib.sha256(), size
        while left and (piece := self._pdf.read(min(left, _PIECE))):
            hashed.update(piece)
            left -= len(piece)
        return b"%d octets: " % (size - left) + hashed.digest()


class FrugalReader(PdfFileReader):
    """pyHanko's reader, which would else keep every picture of a document that it walks through."""

    def cache_indirect_object(self, generation: int, idnum: int, obj: Any) -> Any:
        """Keep an object, unless it is large."""
        if _is_large(obj):
            return obj
        return super().cache_indirect_object(generation, idnum, obj)  # type: ignore[no-untyped-call]

    def get_historical_resolver(self, revision: int) -> HistoricalResolver:
        """Return what reads an earlier revision, which keeps nothing large either."""
        resolver = super().get_historical_resolver(revision)
        if not isinstance(resolver.cache, _Frugal):
            resolver.cache = _Frugal(resolver.cache)
        return resolver


class _Frugal(dict[generic.Reference, generic.PdfObject]):
    def __setitem__(self, reference: generic.Reference, obj: generic.PdfObject) -> None:
        if not _is_large(obj):
            super().__setitem__(reference, obj)


def _is_large(obj: object) -> bool:
    return isinstance(obj, generic.StreamObject) and len(obj.encoded_data) > LARGE
