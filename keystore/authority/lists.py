"""Revocation lists (RFC 5280 §5), and what they share with certificates."""

from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography import x509

from keystore.authority import capturing
from keystore.authority.capturing import Unsigned
from keystore.stores.authority import IssuedCertificate

LIFETIME = 7 * 86_400
"""Seconds until the next list of an issuing authority must be there."""

ROOT_LIFETIME = 366 * 86_400


def revocation_list(
    issuer: x509.Certificate, revoked: Iterable[IssuedCertificate], now: int, lifetime: int
) -> Unsigned:
    """Return the list of ``revoked`` certificates of ``issuer``; its number is the time."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(moment(now))
        .next_update(moment(now + lifetime))
        .add_extension(x509.CRLNumber(now), critical=False)
        .add_extension(key_identifier(issuer), critical=False)
    )
    for one in revoked:
        assert one.revoked_at is not None
        entry = x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16))
        entry = entry.revocation_date(moment(one.revoked_at))
        if one.reason:
            reason = x509.CRLReason(x509.ReasonFlags(one.reason))
            entry = entry.add_extension(reason, critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return capturing.revocation_list(builder, capturing.spki(issuer.public_key()))


def key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return how what ``issuer`` signs names its key (RFC 5280 §4.2.1.1)."""
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def moment(at: int) -> datetime:
    """Return a NumericDate as certificates write it."""
    return datetime.fromtimestamp(at, UTC)
