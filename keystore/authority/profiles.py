"""What each kind of certificate says, as values: lifetimes, usages, and who is named."""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keystore.signing.door import CertificateSubject

BACKDATED = 60
"""Seconds before its making from which a certificate is valid: clocks differ."""

_LONGEST = {NameOID.ORGANIZATION_NAME: 64, NameOID.SERIAL_NUMBER: 64}
_LONGEST_NAME = 128  # ub-pseudonym (RFC 5280 Appendix A.1); names of people as well

DAY = 86_400
YEAR = 365 * DAY


class Kind(StrEnum):
    """For what a certificate is."""

    ROOT = "root"
    ISSUING = "issuing"
    ONE_TIME = "one_time"
    STAMPING = "stamping"
    STATUS = "status"


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
        Profile(kind=Kind.STAMPING, lifetime=5 * YEAR, usage=ExtendedKeyUsageOID.TIME_STAMPING),
        Profile(
            kind=Kind.STATUS,
            lifetime=YEAR,
            usage=ExtendedKeyUsageOID.OCSP_SIGNING,
            is_answered=False,
        ),
    )
}


def key_usage(profile: Profile) -> x509.KeyUsage:
    """Return what the key may be used for: a signer's for nothing but commitments (§4.2.1.3)."""
    ends = not profile.is_authority
    return x509.KeyUsage(
        digital_signature=ends and profile.kind is not Kind.ONE_TIME,
        content_commitment=profile.kind is Kind.ONE_TIME,
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
