"""What a certificate says of its holder, in words for a report."""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from keystore.checking.signature import BadSignature

_PSEUDONYM = NameOID.PSEUDONYM


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Names are empty where the certificate has none. Times are NumericDates.

    ``issuer_name`` and ``subject_name`` are whole distinguished names (RFC 4514).
    """

    name: str
    pseudonym: str
    organization: str
    country: str
    issuer: str
    serial: str
    valid_from: int
    valid_to: int
    issuer_name: str
    subject_name: str


def holder_of(certificate: bytes) -> Holder:
    """Return what the certificate (DER) says, or raise BadSignature if it cannot be read."""
    try:
        one = x509.load_der_x509_certificate(certificate)
        subject, issuer = one.subject, one.issuer
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise BadSignature("the certificate cannot be read") from fault
    given, last = _first(subject, NameOID.GIVEN_NAME), _first(subject, NameOID.SURNAME)
    return Holder(
        name=_first(subject, NameOID.COMMON_NAME) or f"{given} {last}".strip(),
        pseudonym=_first(subject, _PSEUDONYM),
        organization=_first(subject, NameOID.ORGANIZATION_NAME),
        country=_first(subject, NameOID.COUNTRY_NAME),
        issuer=_first(issuer, NameOID.COMMON_NAME) or issuer.rfc4514_string(),
        serial=f"{one.serial_number:x}",
        valid_from=int(one.not_valid_before_utc.timestamp()),
        valid_to=int(one.not_valid_after_utc.timestamp()),
        issuer_name=issuer.rfc4514_string(),
        subject_name=subject.rfc4514_string(),
    )


def _first(name: x509.Name, kind: x509.ObjectIdentifier) -> str:
    for one in name.get_attributes_for_oid(kind):
        return one.value if isinstance(one.value, str) else ""
    return ""
