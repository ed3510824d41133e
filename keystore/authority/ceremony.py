"""The ceremony that makes root and issuing authority: keys, certificates, lists, and a transcript.

Everything that it made is checked before the transcript says so. Held again, it makes only what is
missing and says what is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509

from keystore.administration import KeyAdministration
from keystore.authority.authority import RINGS, Authority
from keystore.authority.profiles import Kind
from keystore.authority.showing import Showing
from keystore.purposes import OwnRing

_KINDS = (Kind.ROOT, Kind.ISSUING, Kind.STAMPING, Kind.ARCHIVE, Kind.STATUS)


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file in DER that the ceremony made. ``about`` is what it says of itself."""

    name: str
    octets: bytes
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was done. ``keys`` are ring, key identifier and backend of each of our own keys."""

    at: int
    witnesses: Sequence[str]
    is_rehearsal: bool
    keys: Sequence[tuple[str, str, str]]
    artefacts: Sequence[Artefact]

    def text(self) -> str:
        """Return it for people to read, sign and keep."""
        held = datetime.fromtimestamp(self.at, UTC).isoformat()
        kind = "Rehearsal (throwaway keys)" if self.is_rehearsal else "Ceremony"
        lines = [f"{kind} of the certificate authority", f"Held at: {held}"]
        lines += [f"Present: {name}" for name in self.witnesses]
        lines += ["", "Keys (ring, identifier, where)"]
        lines += [f"  {ring:12} {kid}  {where}" for ring, kid, where in self.keys]
        lines += ["", "Artefacts (SHA-256, file, what it says)"]
        for one in self.artefacts:
            lines.append(f"  {sha256(one.octets).hexdigest()}  {one.name}")
            lines.append(f"    {one.about}")
        return "\n".join(lines) + "\n"


class CeremonyFailed(Exception):
    """Something that was made is not as it must be. Trust nothing of it."""


async def hold(
    administration: KeyAdministration,
    authority: Authority,
    showing: Showing,
    rings: Sequence[OwnRing],
    now: int,
) -> tuple[list[tuple[str, str, str]], list[Artefact]]:
    """Make what is missing, check all, and return keys and artefacts for the transcript.

    ``rings`` are those that this deployment has. Raises CeremonyFailed, KeyServiceUnavailable.
    """
    await administration.ensure({}, rings)
    await authority.refresh()
    certificates = [
        (f"{kind}.crt", authority.own(kind).certificate) for kind in _KINDS if RINGS[kind] in rings
    ]
    issuing, root = (await showing.shown(now)).crls
    _check({name: x509.load_der_x509_certificate(octets) for name, octets in certificates})
    made = [Artefact(name, octets, _certificate(octets)) for name, octets in certificates]
    for name, octets in (("issuing", issuing), ("root", root)):
        issuer = x509.load_der_x509_certificate(dict(certificates)[f"{name}.crt"])
        listed = x509.load_der_x509_crl(octets)
        if not listed.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            raise CeremonyFailed(f"{name}.crl is not signed by {name}.crt")
        about = f"{len(listed)} revoked; the next by {listed.next_update_utc}"
        made.append(Artefact(f"{name}.crl", octets, about))
    keys = [
        (key.ring, key.kid, key.ref.partition(":")[0])
        for key in await administration.keys()
        if key.ring in frozenset(OwnRing)
    ]
    return keys, made


def _check(certificates: dict[str, x509.Certificate]) -> None:
    issuers = {"root.crt": "root.crt", "issuing.crt": "root.crt"}
    for name, certificate in certificates.items():
        issuer = certificates[issuers.get(name, "issuing.crt")]
        try:
            certificate.verify_directly_issued_by(issuer)
        except Exception as reason:
            raise CeremonyFailed(f"{name} is not signed by its issuer") from reason


def _certificate(octets: bytes) -> str:
    read = x509.load_der_x509_certificate(octets)
    until = read.not_valid_after_utc.date().isoformat()
    return f"{read.subject.rfc4514_string()}; serial {read.serial_number:x}; until {until}"
