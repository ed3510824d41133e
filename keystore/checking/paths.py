"""Paths from a certificate to an authority that is trusted (RFC 5280 §6), at any moment of time.

Building and judging are two things here: a signature is judged at the time at which it is proved to
have existed, so a path of certificates that expired since is still a path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

DEEPEST = 8
"""Certificates of a path at most."""

MOST_TRIED = 200
"""Signatures that are tried to find one path: certificates from outside cost no more than this."""

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING.dotted_string
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string

UNREADABLE = (
    *(ValueError, TypeError, UnsupportedAlgorithm),
    *(x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType),
)
"""What the library raises over certificates, lists and responses that somebody made up."""

_SHORTEST_RSA = 2048
_WEAK = (hashes.MD5, hashes.SHA1)
_UNDERSTOOD = frozenset(
    [
        *(ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE),
        *(ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.SUBJECT_ALTERNATIVE_NAME),
    ]
)
"""Critical extensions that are looked at, or that allow anything; others make a path unusable."""


class NoPath(Exception):
    """No path leads to an authority that is trusted. ``code`` is ETSI's sub-indication."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Path:
    """Certificates from the end towards the anchor, which is last."""

    certificates: tuple[x509.Certificate, ...]

    @property
    def end(self) -> x509.Certificate:
        """Return the certificate that the path is about."""
        return self.certificates[0]

    @property
    def links(self) -> tuple[tuple[x509.Certificate, x509.Certificate], ...]:
        """Return each certificate with its issuer; the anchor needs none."""
        return tuple(zip(self.certificates, self.certificates[1:], strict=False))

    def check_times(self, moment: int) -> None:
        """Raise NoPath (EXPIRED, NOT_YET_VALID) unless all but the anchor are valid then."""
        when = datetime.fromtimestamp(moment, UTC)
        for one in self.certificates[:-1] or self.certificates:
            if when > one.not_valid_after_utc:
                raise NoPath("EXPIRED", "a certificate had expired")
            if when < one.not_valid_before_utc:
                raise NoPath("NOT_YET_VALID", "a certificate was not valid yet")

    def der(self) -> tuple[bytes, ...]:
        """Return the certificates in DER."""
        return tuple(one.public_bytes(Encoding.DER) for one in self.certificates)


def load(certificates: Iterable[bytes]) -> list[x509.Certificate]:
    """Return those of the certificates (DER) that can be read, each once."""
    found = {}
    for der in dict.fromkeys(certificates):
        try:
            one = x509.load_der_x509_certificate(der)
            _ = one.extensions, one.public_key()
        except UNREADABLE:
            continue
        found[der] = one
    return list(found.values())


def pem_certificates(pem: bytes) -> list[bytes]:
    """Return the certificates of a PEM file in DER, or raise ValueError."""
    return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem)]


def find(
    certificate: bytes,
    pool: Sequence[bytes],
    anchors: Sequence[bytes],
    *,
    usage: str = "",
) -> Path:
    """Return a path from ``certificate`` over ``pool`` to one of ``anchors`` (all in DER).

    ``usage`` is an extended key usage that the end must have. Raises NoPath.
    """
    ends = load([certificate])
    if not ends:
        raise NoPath("NO_SIGNING_CERTIFICATE_FOUND", "the certificate cannot be read")
    _check_end(ends[0], usage)
    search = _Search(load(pool), load(anchors))
    found = search.onward((ends[0],))
    if found is None:
        raise NoPath("NO_CERTIFICATE_CHAIN_FOUND", "no path leads to an authority that is trusted")
    for one in found.certificates:
        _check_strength(one)
    return found


class _Search:
    def __init__(self, pool: list[x509.Certificate], anchors: list[x509.Certificate]) -> None:
        self._pool = pool
        self._anchors = anchors
        self._left = MOST_TRIED

    def onward(self, path: tuple[x509.Certificate, ...]) -> Path | None:
        """Return the path that begins with ``path``, or None."""
        last = path[-1]
        if last in self._anchors:
            return Path(path)
        if len(path) >= DEEPEST:
            return None
        for issuer in (*self._anchors, *self._pool):
            if issuer in path or issuer.subject != last.issuer:
                continue
            self._left -= 1
            if self._left < 0:
                return None
            if _issued(last, issuer, below=len(path) - 1):
                found = self.onward((*path, issuer))
                if found is not None:
                    return found
        return None


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether ``issuer``'s key signed ``certificate``, and its names say so."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def has_usage(certificate: x509.Certificate, usage: str) -> bool:
    """Say whether the extended key usages of ``certificate`` hold ``usage``."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return x509.ObjectIdentifier(usage) in usages


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, *, below: int) -> bool:
    """Say whether ``issuer`` may and did issue; ``below`` authorities stand between."""
    if not _critical_understood(issuer):
        return False
    extensions = issuer.extensions
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    longest = constraints.path_length
    if not constraints.ca or (longest is not None and below > longest):
        return False
    try:
        if not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign:
            return False
    except x509.ExtensionNotFound:
        return False
    return issued_by(certificate, issuer)


def _check_end(certificate: x509.Certificate, usage: str) -> None:
    if not _critical_understood(certificate):
        raise NoPath("CHAIN_CONSTRAINTS_FAILURE", "a critical extension is not understood")
    if usage and not has_usage(certificate, usage):
        raise NoPath("CHAIN_CONSTRAINTS_FAILURE", "the certificate is not meant for this")
    try:
        allowed = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (allowed.digital_signature or allowed.content_commitment):
        raise NoPath("CHAIN_CONSTRAINTS_FAILURE", "the key is not for signatures")


def _check_strength(certificate: x509.Certificate) -> None:
    key, hashed = certificate.public_key(), certificate.signature_hash_algorithm
    short = isinstance(key, rsa.RSAPublicKey) and key.key_size < _SHORTEST_RSA
    short = short or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < 256)
    if short or isinstance(hashed, _WEAK):
        raise NoPath("CRYPTO_CONSTRAINTS_FAILURE", "a certificate of the path is too weak")


def _critical_understood(certificate: x509.Certificate) -> bool:
    return all(not one.critical or one.oid in _UNDERSTOOD for one in certificate.extensions)
