"""What each kind of certificate says, as values: lifetimes, usages, and who is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keystore.signing.door import CertificateSubject

BACKDATED = 60
"""Seconds before its making from which a certificate is valid: clocks differ."""

_LONGEST = {
    NameOID.ORGANIZATION_NAME: 64,
    NameOID.ORGANIZATION_IDENTIFIER: 64,
    NameOID.SERIAL_NUMBER: 64,
}
_LONGEST_NAME = 128  # ub-pseudonym (RFC 5280 Appendix A.1); names of people as well

_ORGANIZATION = re.compile(r"(?:VAT|NTR|PSD|LEI|[A-Z]{2}:)[A-Z]{2}-[!-~]{1,57}", re.ASCII)
"""Where an organisation is registered, the country of it, and its number there."""

DAY = 86_400
YEAR = 365 * DAY


class Kind(StrEnum):
    """For what a certificate is."""

    ROOT = "root"
    ISSUING = "issuing"
    ONE_TIME = "one_time"
    LONG_TERM = "long_term"  # of a person's stored key
    SEAL = "seal"  # of an organisation's key
    STAMPING = "stamping"
    ARCHIVE = "archive"  # of the key that stamps what has to outlive elliptic curves
    STATUS = "status"
    EVIDENCE = "evidence"  # of the seal on what is told of signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``lifetime`` in seconds; ``depth`` how many authorities may follow, None for an end."""

    kind: Kind
    lifetime: int
    depth: int | None = None
    usage: x509.ObjectIdentifier | None = None
    is_answered: bool = True
    """Whether the responder answers about it, so that it names where."""

    @property
    def is_authority(self) -> bool:
        """Return whether it may sign certificates."""
        return self.depth is not None


PROFILES = {
    one.kind: one
    for one in (
        Profile(kind=Kind.ROOT, lifetime=25 * YEAR, depth=1, is_answered=False),
        Profile(kind=Kind.ISSUING, lifetime=10 * YEAR, depth=0, is_answered=False),
        Profile(kind=Kind.ONE_TIME, lifetime=300),
        Profile(kind=Kind.LONG_TERM, lifetime=2 * YEAR),
        Profile(kind=Kind.SEAL, lifetime=2 * YEAR),
        Profile(kind=Kind.EVIDENCE, lifetime=2 * YEAR),
        Profile(kind=Kind.STAMPING, lifetime=5 * YEAR, usage=ExtendedKeyUsageOID.TIME_STAMPING),
        Profile(kind=Kind.ARCHIVE, lifetime=10 * YEAR, usage=ExtendedKeyUsageOID.TIME_STAMPING),
        Profile(
            kind=Kind.STATUS,
            lifetime=YEAR,
            usage=ExtendedKeyUsageOID.OCSP_SIGNING,
            is_answered=False,
        ),
    )
}


COMMITTING = frozenset((Kind.ONE_TIME, Kind.LONG_TERM, Kind.SEAL, Kind.EVIDENCE))
"""Kinds whose keys commit to documents, and do nothing else: type A of ETSI EN 319 412-2 §4.3.2,
which EN 319 412-3 §4.3 takes over for seals."""


STAMPERS = frozenset((Kind.STAMPING, Kind.ARCHIVE))
"""Kinds whose keys stamp time, and do nothing else (RFC 3161 §2.3)."""


def profiles(lifetimes: Mapping[Kind, int]) -> Mapping[Kind, Profile]:
    """Return the profiles, with these ``lifetimes`` (seconds) where they are given."""
    return {
        kind: replace(one, lifetime=lifetimes.get(kind, one.lifetime))
        for kind, one in PROFILES.items()
    }


def key_usage(profile: Profile) -> x509.KeyUsage:
    """Return what the key may be used for: a signer's for nothing but commitments (§4.2.1.3)."""
    commits = profile.kind in COMMITTING
    return x509.KeyUsage(
        digital_signature=not profile.is_authority and not commits,
        content_commitment=commits,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=profile.is_authority,
        crl_sign=profile.is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def name_of(subject: CertificateSubject, common_name: str = "") -> x509.Name:
    """Return the distinguished name of a holder (ETSI EN 319 412-2 §4.2.4, 412-3 §4.2.1).

    Without a ``common_name`` it is the name or pseudonym. Raises ValueError for what no
    certificate can say.
    """
    pairs = [(NameOID.COUNTRY_NAME, subject.country)]
    if subject.organization:
        pairs.append((NameOID.ORGANIZATION_NAME, subject.organization))
    if subject.organization_identifier:
        _check_organization(subject)
        pairs.append((NameOID.ORGANIZATION_IDENTIFIER, subject.organization_identifier))
    if subject.pseudonym:
        shown = subject.pseudonym
        pairs.append((NameOID.PSEUDONYM, subject.pseudonym))
    else:
        shown = f"{subject.given_name} {subject.surname}".strip() or subject.organization
        pairs += [(NameOID.GIVEN_NAME, subject.given_name), (NameOID.SURNAME, subject.surname)]
    pairs += [
        (NameOID.COMMON_NAME, (common_name or shown)[:64]),
        # A PrintableString has no underscore (X.680 §41.4): the slash of base64 stands for it.
        (NameOID.SERIAL_NUMBER, subject.serial.replace("_", "/")),
    ]
    if any(len(value) > _LONGEST.get(kind, _LONGEST_NAME) for kind, value in pairs):
        raise ValueError("a name that is longer than a certificate can say")
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs if value])


def _check_organization(subject: CertificateSubject) -> None:
    """Raise ValueError unless a name stands beside an identifier of ETSI EN 319 412-1 §5.1.4."""
    if not subject.organization:
        raise ValueError("an organisation's identifier stands beside its name")
    if not _ORGANIZATION.fullmatch(subject.organization_identifier):
        raise ValueError(
            "an organisation's identifier is VAT, NTR, PSD, LEI or two letters and a colon, "
            "then a country, a hyphen and the number"
        )
