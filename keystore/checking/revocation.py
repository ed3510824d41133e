"""What OCSP responses and revocation lists from anywhere say, once they are proved to be real.

Nothing is fetched: the answers are those that came with a signature, or that somebody brought.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import ocsp

from keystore.checking.paths import OCSP_SIGNING, UNREADABLE, has_usage, issued_by

LONGEST = 10 << 20
"""Octets of a revocation list that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known about a certificate. ``revoked_at`` is None for one that is good.

    ``since`` is when this was so, ``until`` when the next answer is due, if anybody said that;
    ``signer`` is the responder's certificate if it is another than the issuer.
    """

    since: int
    revoked_at: int | None
    reason: str = ""
    signer: x509.Certificate | None = None
    until: int | None = None


def answers(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    responses: Sequence[bytes],
    crls: Sequence[bytes],
) -> list[Answer]:
    """Return every answer about ``certificate`` that is proved to be its issuer's, newest first."""
    found = []
    for der in responses:
        answer = _of_response(der, certificate, issuer)
        if answer is not None:
            found.append(answer)
    for der in crls:
        answer = _of_list(der, certificate, issuer)
        if answer is not None:
            found.append(answer)
    return sorted(found, key=lambda answer: -answer.since)


def never_revoked(certificate: x509.Certificate) -> bool:
    """Say whether the certificate says that nobody answers about it.

    Those are ocsp-nocheck (RFC 6960 §4.2.2.2.1) and noRevAvail (RFC 9608 §2).
    """
    return any(
        one.oid.dotted_string in ("1.3.6.1.5.5.7.48.1.5", "2.5.29.56")
        for one in certificate.extensions
    )


def is_current(crl: bytes, now: int) -> bool:
    """Say whether a list (DER) can be read, and the next one is not due yet (RFC 5280 §5.1.2.5)."""
    try:
        following = x509.load_der_x509_crl(crl).next_update_utc
    except UNREADABLE:
        return False
    return following is not None and now < _seconds(following)


def _of_response(
    der: bytes, certificate: x509.Certificate, issuer: x509.Certificate
) -> Answer | None:
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        signer = _responder(response, issuer)
        if signer is None:
            return None
        for single in response.responses:
            if _is_about(single, certificate, issuer):
                return _said(single, signer if signer != issuer else None)
    except UNREADABLE:
        return None
    return None


def _said(single: ocsp.OCSPSingleResponse, signer: x509.Certificate | None) -> Answer | None:
    since, until = _seconds(single.this_update_utc), _until(single.next_update_utc)
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return Answer(since=since, until=until, revoked_at=None, signer=signer)
    if single.certificate_status is not ocsp.OCSPCertStatus.REVOKED:
        return None
    at, reason = single.revocation_time_utc, single.revocation_reason
    assert at is not None
    return Answer(
        since=since,
        until=until,
        revoked_at=_seconds(at),
        reason=reason.value if reason else "unspecified",
        signer=signer,
    )


def _responder(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate | None:
    """Return who signed: the issuer, or whom it made a responder (RFC 6960 §4.2.2.2)."""
    for candidate in (issuer, *response.certificates):
        if candidate != issuer and not (
            has_usage(candidate, OCSP_SIGNING)
            and candidate.not_valid_before_utc <= response.produced_at_utc
            and response.produced_at_utc <= candidate.not_valid_after_utc
            and issued_by(candidate, issuer)
        ):
            continue
        hashed = response.signature_hash_algorithm
        if _signed(candidate, response.signature, response.tbs_response_bytes, hashed):
            return candidate
    return None


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if single.serial_number != certificate.serial_number:
        return False
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, single.hash_algorithm)
    asked = builder.build()
    return (single.issuer_name_hash, single.issuer_key_hash) == (
        asked.issuer_name_hash,
        asked.issuer_key_hash,
    )


def _of_list(der: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Answer | None:
    if len(der) > LONGEST:
        return None
    try:
        crl = x509.load_der_x509_crl(der)
        if crl.issuer != issuer.subject or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            return None
        if any(one.critical and not _whole(one) for one in crl.extensions):
            return None
        if not _speaks_of(crl, certificate):
            return None
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        since, until = _seconds(crl.last_update_utc), _until(crl.next_update_utc)
    except UNREADABLE:
        return None
    if entry is None:
        return Answer(since=since, until=until, revoked_at=None)
    at = _seconds(entry.revocation_date_utc)
    return Answer(since=since, until=until, revoked_at=at, reason="listed")


def _whole(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """Say whether a critical extension leaves the list one of all certificates of its issuer."""
    point = extension.value
    if not isinstance(point, x509.IssuingDistributionPoint):
        return False
    return not (
        point.only_contains_attribute_certs or point.indirect_crl or point.only_some_reasons
    )


def _speaks_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Say whether the list is one of certificates of this kind (RFC 5280 §5.2.5)."""
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return True
    try:
        is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    return not (point.only_contains_user_certs if is_ca else point.only_contains_ca_certs)


def _signed(
    signer: x509.Certificate, signature: bytes, message: bytes, hashed: hashes.HashAlgorithm | None
) -> bool:
    key = signer.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and hashed:
            key.verify(signature, message, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey) and hashed:
            key.verify(signature, message, padding.PKCS1v15(), hashed)
        elif isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            return False
    except InvalidSignature:
        return False
    return not isinstance(hashed, (hashes.MD5, hashes.SHA1))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _until(moment: datetime | None) -> int | None:
    return None if moment is None else _seconds(moment)
