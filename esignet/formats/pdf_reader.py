"""A reader of PDFs that does not keep what is large: a document of scans is read page by page."""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

LARGE = 64 * 1024
"""Octets from which a stream is read again rather than kept."""


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
