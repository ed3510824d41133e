"""Certificates of clients from outside (RFC 5280), read as far as a client is known by them."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.x509.distinguished_name import DistinguishedName, rdn

SHORTEST_RSA = 2_048
"""Bits (RFC 9325 §4.5)."""

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

T = TypeVar("T")


class CertificateRefused(Exception):
    """The certificate cannot be used here; the text is for the log and the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Who it speaks of. ``spki`` is the public key (SubjectPublicKeyInfo in DER).

    ``begins`` and ``ends`` are NumericDates. DNS names are in lower case, and so are the domains
    of ``emails``.
    """

    parsed: x509.Certificate
    subject: DistinguishedName
    spki: bytes
    begins: int
    ends: int
    dns: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()
    ips: frozenset[IPv4Address | IPv6Address] = frozenset()
    emails: frozenset[str] = frozenset()

    def check_times(self, now: int) -> None:
        """Raise CertificateRefused unless it is valid at ``now`` (RFC 5280 §4.1.2.5)."""
        if now < self.begins:
            raise CertificateRefused("the certificate is not valid yet")
        if now > self.ends:
            raise CertificateRefused("the certificate expired")


def read(der: bytes) -> Certificate:
    """Return what a certificate says, or raise CertificateRefused: malformed, or a weak key."""
    parsed = _or_refused(lambda: x509.load_der_x509_certificate(der))
    names = _or_refused(lambda: _alternative_names(parsed))
    of = names.get_values_for_type
    return Certificate(
        parsed=parsed,
        subject=_or_refused(lambda: _subject(parsed.subject)),
        spki=_or_refused(lambda: _public_key(parsed)),
        begins=int(parsed.not_valid_before_utc.timestamp()),
        ends=int(parsed.not_valid_after_utc.timestamp()),
        dns=frozenset(name.lower() for name in of(x509.DNSName)),
        uris=frozenset(of(x509.UniformResourceIdentifier)),
        ips=frozenset(ip for ip in of(x509.IPAddress) if isinstance(ip, IPv4Address | IPv6Address)),
        emails=frozenset(map(folded_email, of(x509.RFC822Name))),
    )


def folded_email(address: str) -> str:
    """Return an address with its domain in lower case (RFC 5280 §7.5)."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _or_refused(act: Callable[[], T]) -> T:
    """Return what ``act`` does. The library raises several kinds of error over foreign bytes."""
    try:
        return act()
    except CertificateRefused:
        raise
    except Exception as fault:
        raise CertificateRefused(f"the certificate cannot be read: {fault}") from fault


def _alternative_names(parsed: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])
    return found.value


def _subject(name: x509.Name) -> DistinguishedName:
    return tuple(rdn((one.oid.dotted_string, _value(one)) for one in part) for part in name.rdns)


def _value(attribute: x509.NameAttribute[str | bytes]) -> str:
    """Return text; what is none equals no registered name, but stays part of this one."""
    value = attribute.value
    return value if isinstance(value, str) else f"#{value.hex()}"


def _public_key(parsed: x509.Certificate) -> bytes:
    key = parsed.public_key()
    strong = (
        (isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA)
        or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES))
        or isinstance(key, Ed25519PublicKey)
    )
    if not strong:
        raise CertificateRefused("the key of the certificate is too weak or of an unknown kind")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
