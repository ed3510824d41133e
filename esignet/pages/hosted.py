"""What the pages show on which a person signs: documents, sheet by sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

PER_SHEET = 20
"""Documents that are shown at once: a page stays within 14 kB."""

PICTURED = 3
"""Documents of a request at most of which the first page is shown beside the name."""

_SHORT = 8
"""Hexadecimal digits of a digest's beginning, and of its end, that stand for it at first sight."""


class Waits(Protocol):
    """A document that waits for a signature."""

    @property
    def label(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def file(self) -> bytes: ...
    @property
    def media_type(self) -> str: ...


class Measured(Protocol):
    """How large a document is."""

    @property
    def pages(self) -> int: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """One document: ``digest`` and ``of_file`` are hexadecimal, ``size`` is in octets.

    ``pictured`` is whether its first page is shown as an image. ``pages`` is 0 where it is not
    shown here, ``size`` where it is not here at all.
    """

    number: int
    name: str
    pictured: bool
    pages: int
    size: int
    algorithm: str
    digest: str
    of_file: str

    @property
    def short(self) -> str:
        """Return the digest's beginning and end."""
        return f"{self.digest[:_SHORT]} … {self.digest[-_SHORT:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Some of the documents, from the one numbered ``first``, of ``total``, and their neighbours:
    0 where there is none.
    """

    first: int
    total: int
    before: int
    after: int
    documents: tuple[ShownDocument, ...]

    @property
    def last(self) -> int:
        """Return the number of the last one."""
        return self.first + len(self.documents) - 1


def places(total: int, wanted: str) -> range:
    """Return the places of the documents of the sheet whose number was ``wanted``, or the first."""
    count = -(-total // PER_SHEET)
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 4 else 1
    start = ((number if 1 <= number <= count else 1) - 1) * PER_SHEET
    return range(start, min(start + PER_SHEET, total))


def sheet(
    documents: Sequence[Waits], measures: Sequence[Measured], shown: range, algorithm: str
) -> Sheet:
    """Return the sheet of the documents at those places, which are so large.

    ``algorithm`` is the usual name of the digests' one (FIPS 180-4).
    """
    number, few = shown.start // PER_SHEET + 1, len(documents) <= PICTURED
    return Sheet(
        first=shown.start + 1,
        total=len(documents),
        before=number - 1,
        after=number + 1 if shown.stop < len(documents) else 0,
        documents=tuple(
            ShownDocument(
                number=place + 1,
                name=documents[place].label,
                pictured=few and measure.pages > 0 and _is_pdf(documents[place]),
                pages=measure.pages,
                size=measure.size,
                algorithm=algorithm,
                digest=documents[place].digest.hex(),
                of_file=documents[place].file.hex(),
            )
            for place, measure in zip(shown, measures, strict=True)
        ),
    )


def _is_pdf(document: Waits) -> bool:
    return document.media_type == "application/pdf"
