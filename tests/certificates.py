"""Certificates and keys of clients, as an authority or the client itself makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def name(common: str, organisation: str = "Agency", country: str = "KE") -> x509.Name:
    """Return a subject of three parts, one in each RDN."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate, its private key and what signed it (nothing when it did itself)."""

    certificate: x509.Certificate
    key: PrivateKey
    issuer: "Holder | None" = None

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def files(self, directory: Path, stem: str) -> tuple[Path, Path]:
        """Write certificate and key, and return where; intermediates stand in the first."""
        chain, above = self.pem, self.issuer
        while above is not None and above.issuer is not None:
            chain, above = chain + above.pem, above.issuer
        certificate, key = directory / f"{stem}.pem", directory / f"{stem}.key"
        certificate.write_bytes(chain)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a certificate is to say. ``usages`` None leaves the extension out."""

    subject: x509.Name
    names: Sequence[x509.GeneralName] = ()
    usages: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    begins: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    ends: datetime = datetime(2049, 1, 1, tzinfo=UTC)
    authority: bool = False
    key: PrivateKey | None = None


def made(wanted: Wanted, issuer: Holder | None = None) -> Holder:
    """Return a certificate signed by ``issuer``, or by itself."""
    key = wanted.key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(wanted.subject)
        .issuer_name(issuer.certificate.subject if issuer else wanted.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wanted.begins)
        .not_valid_after(wanted.ends)
        .add_extension(x509.BasicConstraints(ca=wanted.authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if wanted.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted.names), critical=False)
    if wanted.usages is not None and not wanted.authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(wanted.usages), critical=False)
    if wanted.authority:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    if issuer is not None:
        above = issuer.key.public_key()
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False
        )
    return Holder(builder.sign((issuer or Holder(None, key)).key, hashes.SHA256()), key, issuer)  # type: ignore[arg-type]


def authority(common: str = "Client CA", above: Holder | None = None) -> Holder:
    """Return an authority, below another or a root."""
    return made(Wanted(subject=name(common), authority=True), above)


def expired(wanted: Wanted, now: int) -> Wanted:
    """Return ``wanted`` with an end a day before ``now``."""
    end = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    return Wanted(subject=wanted.subject, names=wanted.names, usages=wanted.usages, ends=end)


_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
