"""The transcript of a ceremony: who was there, which keys there are, and what each file says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that was made or brought. ``about`` is what it says of itself."""

    name: str
    octets: bytes
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was done. ``keys`` are ring, key identifier and backend of each of our own keys.

    ``notes`` are sentences about what follows from it.
    """

    what: str
    at: int
    witnesses: Sequence[str]
    keys: Sequence[tuple[str, str, str]]
    artefacts: Sequence[Artefact]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Return it for people to read, sign and keep."""
        held = datetime.fromtimestamp(self.at, UTC).isoformat()
        lines = [self.what, f"Held at: {held}"]
        lines += [f"Present: {name}" for name in self.witnesses]
        lines += ["", "Keys (ring, identifier, where)"]
        lines += [f"  {ring:12} {kid}  {where}" for ring, kid, where in self.keys]
        lines += ["", "Artefacts (SHA-256, file, what it says)"]
        for one in self.artefacts:
            lines.append(f"  {sha256(one.octets).hexdigest()}  {one.name}")
            lines.append(f"    {one.about}")
        lines += ["", *self.notes] if self.notes else []
        return "\n".join(lines) + "\n"


def certificate_artefact(name: str, octets: bytes) -> Artefact:
    """Return a certificate (DER) under this name."""
    read = x509.load_der_x509_certificate(octets)
    until = read.not_valid_after_utc.date().isoformat()
    about = f"{read.subject.rfc4514_string()}; serial {read.serial_number:x}; until {until}"
    return Artefact(name, octets, about)


def list_artefact(name: str, octets: bytes) -> Artefact:
    """Return a revocation list (DER) under this name."""
    read = x509.load_der_x509_crl(octets)
    return Artefact(name, octets, f"{len(read)} revoked; the next by {read.next_update_utc}")
