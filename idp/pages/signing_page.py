"""The page on which a person signs: everything that it shows, as one value that has a hash.

The hash is what the key service is told that the person agreed to. It covers every document of the
list, also those on other sheets, in the language in which they were shown.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

from config.runtime.pages.languages import Language
from idp.authorization_details.credential import TYPE, Document, algorithm_of, documents
from idp.pages.consent_items import details
from idp.protocol.consent import Question
from idp.protocol.details import Detail
from keystore.signing.digests import HashAlgorithm

PER_SHEET = 20
"""Documents that are shown at once: a page stays within 14 kB."""

_SHORT = 8
"""Hexadecimal digits of a digest's beginning, and of its end, that stand for it at first sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, as the person is told: ``host`` is where they go on, "" on another device."""

    client: str
    host: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDocument:
    """One document as the page shows it. ``digest`` and ``of_file`` are hexadecimal.

    ``of_file`` is "" where the request does not tell the digest of the file itself.
    """

    name: str
    pages: int
    address: str
    algorithm: str
    digest: str
    file_algorithm: str
    of_file: str

    @property
    def short(self) -> str:
        """Return the digest's beginning and end."""
        return f"{self.digest[:_SHORT]} … {self.digest[-_SHORT:]}"

    @property
    def host(self) -> str:
        """Return where the document can be read."""
        return urlsplit(self.address).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Some of the documents, numbered from ``first`` to ``last`` of ``total``, and their
    neighbours: 0 where there is none.
    """

    first: int
    last: int
    total: int
    before: int
    after: int
    documents: tuple[ShownDocument, ...]

    @property
    def can_be_compared(self) -> bool:
        """Return whether a person's own copy of any of them can be."""
        return any(one.of_file for one in self.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPage:
    """What the person is asked: by whom, which documents, and what the signature tells.

    ``rows`` are labels and values that tell what the signature will be, ``shares`` the claims that
    are shared as well, by the list in which they stand.
    """

    language: str
    asker: Asker
    rows: tuple[tuple[str, str], ...]
    documents: tuple[ShownDocument, ...]
    shares: Mapping[str, tuple[str, ...]]

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 hash of all of it."""
        return sha256(msgspec.json.encode(asdict(self), order="deterministic")).digest()

    @property
    def seal(self) -> str:
        """Return the hash as the page's form sends it back."""
        return urlsafe_b64encode(self.digest).rstrip(b"=").decode()

    def sheet(self, wanted: str) -> Sheet:
        """Return the sheet whose number was ``wanted``, else the first."""
        total = len(self.documents)
        count = -(-total // PER_SHEET)
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 4 else 1
        number = number if 1 <= number <= count else 1
        start = (number - 1) * PER_SHEET
        shown = self.documents[start : start + PER_SHEET]
        return Sheet(
            first=start + 1,
            last=start + len(shown),
            total=total,
            before=number - 1,
            after=number + 1 if number < count else 0,
            documents=shown,
        )


def signing_page(
    detail: Detail, asker: Asker, question: Question, language: Language
) -> SigningPage:
    """Return the page for ``detail``, which was checked."""
    algorithm = algorithm_of(detail)
    [(_, rows)] = details((detail,), {detail["type"]: TYPE}, language.t)
    return SigningPage(
        language=language.tag,
        asker=asker,
        rows=tuple((str(label), str(value)) for label, value in rows),
        documents=tuple(_shown(one, algorithm) for one in documents(detail)),
        shares={
            "essential": tuple(sorted(question.essential)),
            "voluntary": tuple(sorted(question.voluntary)),
            "known": tuple(sorted(question.known)),
            "offline": ("offline",) if question.offline else (),
        },
    )


def _shown(document: Document, algorithm: HashAlgorithm) -> ShownDocument:
    told = document.file_digest
    return ShownDocument(
        name=document.label,
        pages=document.pages,
        address=document.address,
        algorithm=_name(algorithm),
        digest=document.digest.hex(),
        file_algorithm=_name(told[0]) if told else "",
        of_file=told[1].hex() if told else "",
    )


def _name(algorithm: HashAlgorithm) -> str:
    """Return the algorithm's usual name (FIPS 180-4), which browsers know as well."""
    return f"SHA-{algorithm.value[3:]}"
