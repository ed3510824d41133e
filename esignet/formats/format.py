"""What every signature format is: pure functions from a document to its signature and back.

``prepare`` runs before the approval and fixes the digests; ``embed`` makes the signature at B-B
from what the key service signed; ``augment`` raises its level with evidence; ``check`` reads one
that came from anywhere. Levels are those of ETSI EN 319 102-1 §5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from esignet.formats.pdf_wish import PdfWish
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Signed
from keystore.signing.plans import Plan


class Level(StrEnum):
    """How long a signature can be checked."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class FormatError(Exception):
    """The document or the wish is not fit for this format. The message is for its sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One document: ``digest`` under the wish's algorithm; ``content`` where it was given to us.

    ``upload`` names a PDF that lies elsewhere; ``content`` is what was appended to it, if anything.
    Whoever checks without its content may know ``other_digests`` beside the one.
    """

    name: str
    digest: bytes
    media_type: str = "application/octet-stream"
    content: bytes | None = None
    upload: str = ""
    other_digests: tuple[bytes, ...] = ()

    def under(self, algorithm: HashAlgorithm) -> bytes | None:
        """Return its digest under an algorithm; None where that is not known here."""
        if self.content is not None:
            return algorithm.of(self.content)
        known = (self.digest, *self.other_digests)
        return next((one for one in known if len(one) == algorithm.length), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How it is to be signed. ``envelope`` is a word of the format (``detached`` ...).

    ``pdf`` says how the signature stands in a PDF that is given, and only there.
    """

    hash_algorithm: HashAlgorithm = HashAlgorithm.SHA256
    envelope: str = "detached"
    commitment: str = ""
    pdf: PdfWish | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Between preparing and embedding. ``digests`` are what the person approves, in order;

    ``plan`` names them from 0. ``content`` is what ``embed`` puts the signature into, if anything;
    ``place`` is between which of its octets, where a format needs to be told.
    """

    digests: tuple[bytes, ...]
    plan: Plan
    items: tuple[Item, ...]
    wish: Wish
    content: bytes | None = None
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What raises a level, all in DER: ``timestamp`` is one TimeStampToken over what was asked.

    ``certificates`` and the revocation data lead from every signer (of the signature, of its
    time-stamps, of OCSP answers) to a root. ``ocsp`` are whole OCSPResponses.
    """

    timestamp: bytes = b""
    certificates: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A signature that was read and whose own arithmetic is right or named wrong.

    ``problems`` are sub-indications of ETSI EN 319 102-1 §5.1.3 with a sentence each, empty where
    nothing is wrong so far; whom to trust is judged elsewhere. ``timestamps`` are tokens over the
    signature with the octets that each covers; ``archive`` those over everything before them.
    """

    certificate: bytes
    alg: str
    level: Level
    claimed_at: int | None
    problems: tuple[tuple[str, str], ...] = ()
    timestamps: tuple[tuple[bytes, bytes], ...] = ()
    archive: tuple[tuple[bytes, bytes], ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    covers: tuple[str, ...] = ()
    """Names of the documents that it signs."""


class Format(Protocol):
    """One format. To add one, write a file with ``FORMAT`` and name it in the settings."""

    @property
    def name(self) -> str:
        """Return its name in settings and requests (``cades`` ...)."""
        ...

    def prepare(self, items: Sequence[Item], wish: Wish) -> Prepared:
        """Return what will be approved and signed, or raise FormatError."""
        ...

    def embed(self, prepared: Prepared, signed: Signed) -> bytes:
        """Return the signature, or the document with it, at B-B."""
        ...

    def to_stamp(self, signature: bytes) -> bytes:
        """Return the octets that the signature time-stamp covers."""
        ...

    def to_archive(self, signature: bytes, items: Sequence[Item]) -> bytes:
        """Return the octets that the archive time-stamp covers, of a signature at B-LT."""
        ...

    def augment(self, signature: bytes, level: Level, evidence: Evidence) -> bytes:
        """Return it raised to ``level`` from the one before, with ``evidence``.

        Where that brings the time-stamp too, a signature is raised from B-B to B-LT at once.
        """
        ...

    def check(self, signature: bytes, items: Sequence[Item]) -> tuple[Found, ...]:
        """Return every signature in it. FormatError: there is none, or it cannot be read."""
        ...
