"""Authorities whose certificates are believed, and paths to them (RFC 5280 §6)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from keystore.x509.certificate import Certificate, CertificateRefused

MOST_AUTHORITIES = 512
DEEPEST = 6
"""Authorities between a client's certificate and a trusted one."""

_CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
_ANY_USAGE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


class Authorities:
    """Trust anchors. Revocation is not looked up: a client that lost its key is registered anew."""

    def __init__(self, anchors: Sequence[x509.Certificate], *, of_clients: bool = True) -> None:
        """``of_clients`` says that extended key usages count: clients of TLS have one of theirs."""
        self._policy = PolicyBuilder().store(Store(list(anchors))).max_chain_depth(DEEPEST)
        self._policy = self._policy.extension_policies(
            ca_policy=_of_issuers(), ee_policy=_of_ends(of_clients)
        )

    @classmethod
    def load(cls, pem: bytes, *, of_clients: bool = True) -> "Authorities":
        """Return the authorities in a PEM file, or raise CertificateRefused."""
        try:
            anchors = x509.load_pem_x509_certificates(pem)
        except ValueError as fault:
            raise CertificateRefused(f"no certificates in PEM: {fault}") from fault
        if len(anchors) > MOST_AUTHORITIES:
            raise CertificateRefused(f"more than {MOST_AUTHORITIES} authorities")
        return cls(anchors, of_clients=of_clients)

    def check(self, certificate: Certificate, issuers: Sequence[bytes], now: int) -> None:
        """Raise CertificateRefused unless a path leads from the certificate to an authority.

        ``issuers`` (DER) may stand between them. It has to be valid at ``now`` and meant for
        clients (RFC 5280 §4.2.1.12).
        """
        certificate.check_times(now)
        try:
            between = [x509.load_der_x509_certificate(der) for der in issuers]
            moment = datetime.fromtimestamp(now, UTC)
            self._policy.time(moment).build_client_verifier().verify(certificate.parsed, between)
        except (VerificationError, ValueError) as fault:
            raise CertificateRefused(f"no authority vouches for it: {fault}") from fault


def _of_issuers() -> ExtensionPolicy:
    policy = ExtensionPolicy.permit_all()
    # The library itself looks whether they say that it is an authority.
    policy = policy.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    return policy.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)


def _of_ends(of_clients: bool) -> ExtensionPolicy:
    policy = ExtensionPolicy.permit_all()
    policy = policy.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs)
    usages = _for_clients if of_clients else None
    return policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, usages)


def _signs_certificates(_: object, __: object, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer may not sign certificates")


def _signs(_: object, __: object, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("the key is not for signatures")


def _for_clients(_: object, __: object, usages: x509.ExtendedKeyUsage | None) -> None:
    if usages is not None and _CLIENT not in usages and _ANY_USAGE not in usages:
        raise ValueError("the certificate is not for clients")
