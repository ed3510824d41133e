"""How a rule refuses what was brought, and what certificates and lists say of themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.authority.offline_reading import NotAccepted, extension

SHORTEST_RSA = 3072
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_Case = TypeVar("_Case")


@dataclass(frozen=True, slots=True)
class Rule(Generic[_Case]):
    """``otherwise`` is said when ``holds`` does not."""

    name: str
    holds: Callable[[_Case], bool]
    otherwise: str


def judge(case: _Case, rules: Sequence[Rule[_Case]]) -> None:
    """Return if every rule holds, or raise NotAccepted with the first that does not."""
    for rule in rules:
        if not rule.holds(case):
            raise NotAccepted(rule.name, rule.otherwise)


def is_strong(key: CertificatePublicKeyTypes, hashed: hashes.HashAlgorithm | None) -> bool:
    """Say whether a signature by ``key`` over such a hash is good for decades, and for everybody.

    NIST curves with SHA-2, or RSA of 3072 bits: what the validators of documents know.
    """
    if isinstance(key, rsa.RSAPublicKey):
        fit = key.key_size >= SHORTEST_RSA
    else:
        fit = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    return fit and isinstance(hashed, _HASHES)


def signs(root: x509.Certificate, listed: x509.CertificateRevocationList) -> bool:
    """Say whether the root's key signed the list, and its name says so."""
    return listed.issuer == root.subject and listed.is_signature_valid(root.public_key())  # type: ignore[arg-type]


def spki(certificate: x509.Certificate) -> bytes:
    """Return the public key of a certificate in DER."""
    key = certificate.public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def is_authority(certificate: x509.Certificate, *, only: bool) -> bool:
    """Say whether it certifies and lists, critically; with ``only`` nothing else beside."""
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    if basic is None or usage is None or not (basic.critical and usage.critical):
        return False
    said = usage.value
    others = (
        *(said.digital_signature, said.content_commitment, said.key_encipherment),
        *(said.data_encipherment, said.key_agreement),
    )
    signs_both = basic.value.ca and said.key_cert_sign and said.crl_sign
    return signs_both and not (only and any(others))


def depth(certificate: x509.Certificate) -> int | None:
    """Return how many authorities may follow, None where nothing is said."""
    basic = extension(certificate, x509.BasicConstraints)
    return None if basic is None else basic.value.path_length


def understood(
    of: x509.Certificate | x509.CertificateRevocationList, *kinds: type[x509.ExtensionType]
) -> bool:
    """Say whether every critical extension is one of ``kinds``."""
    return all(isinstance(one.value, kinds) for one in of.extensions if one.critical)


def is_good_at(certificate: x509.Certificate, now: datetime) -> bool:
    """Say whether the certificate is valid at ``now``."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def names_key(
    of: x509.Certificate | x509.CertificateRevocationList, root: x509.Certificate
) -> bool:
    """Say whether it names the root's key as the root does (RFC 5280 §4.2.1.1)."""
    named = extension(of, x509.AuthorityKeyIdentifier)
    own = extension(root, x509.SubjectKeyIdentifier)
    return bool(named and own and named.value.key_identifier == own.value.digest)


def is_unconstrained(certificate: x509.Certificate) -> bool:
    """Say whether it leaves names, policies and usages below it as they are."""
    kinds = (x509.NameConstraints, x509.ExtendedKeyUsage, x509.PolicyConstraints)
    return all(extension(certificate, kind) is None for kind in (*kinds, x509.InhibitAnyPolicy))


def number_of(listed: x509.CertificateRevocationList) -> int | None:
    """Return the number of a list, None where it has none (RFC 5280 §5.2.3)."""
    found = extension(listed, x509.CRLNumber)
    return None if found is None else found.value.crl_number
