"""A small certificate authority for tests of document formats: root, issuing CA, signer, TSA, OCSP.

It signs with the cryptography library, so that nothing of ours stands on both sides of a test.
"""

import datetime
import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from esignet.formats.format import Evidence
from keystore.signing.door import Signed

Lattice = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey | Lattice
NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
AT = int(NOW.timestamp())


@dataclass(frozen=True)
class Holder:
    """A key with its certificate and what leads from it to the root, which is last."""

    key: Key
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate."""
        return der(self.certificate)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What leads to the root."""
        return tuple(map(der, self.above))

    @property
    def alg(self) -> str:
        """The JWS name of what ``sign`` does."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return {256: "ES256", 384: "ES384", 521: "ES512"}[self.key.curve.key_size]
        if isinstance(self.key, mldsa.MLDSA44PrivateKey):
            return "ML-DSA-44"
        if isinstance(self.key, mldsa.MLDSA65PrivateKey):
            return "ML-DSA-65"
        return "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "EdDSA"

    def private(self, encoding: serialization.Encoding) -> bytes:
        """The key as PKCS#8."""
        return self.key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes, alg: str = "") -> bytes:
        """A signature as JWS writes it."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            bits = self.key.curve.key_size
            hashed = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[bits]
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashed)))
            return b"".join(part.to_bytes((bits + 7) // 8, "big") for part in (r, s))
        if isinstance(self.key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            scheme = pss if alg == "PS256" else padding.PKCS1v15()
            return self.key.sign(message, scheme, hashes.SHA256())
        return self.key.sign(message)

    def signed(self, parts: tuple[bytes, ...], message: bytes, alg: str = "") -> Signed:
        """What the key service would answer."""
        return Signed(
            parts=parts,
            value=self.sign(message, alg),
            alg=alg or self.alg,
            certificate=self.der,
            chain=self.chain,
            signed_at=AT,
            promise=b"",
        )


def der(certificate: x509.Certificate) -> bytes:
    """A certificate's octets."""
    return certificate.public_bytes(serialization.Encoding.DER)


class SmallPki:
    """A root, an issuing CA, and holders below it."""

    def __init__(self, url: str = "http://127.0.0.1:9") -> None:
        self.url = url
        key = ec.generate_private_key(ec.SECP384R1())
        self.root = Holder(key, self._certify("Small Root", key.public_key(), key, ca=1))
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self._certify("Small Issuing", key.public_key(), self.root, ca=0)
        self.issuing = Holder(key, issued, (self.root.certificate,))

    def holder(self, name: str, key: Key | None = None, **wishes: Any) -> Holder:
        """Someone certified by the issuing CA; P-256 unless a key is given."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = self._certify(name, key.public_key(), self.issuing, **wishes)
        return Holder(key, certificate, (self.issuing.certificate, self.root.certificate))

    @cached_property
    def signer(self) -> Holder:
        """A person."""
        return self.holder("Ana Tester")

    @cached_property
    def stamper(self) -> Holder:
        """A time-stamp authority (RFC 3161 §2.3)."""
        return self.holder("Small TSA", usage=ExtendedKeyUsageOID.TIME_STAMPING)

    @cached_property
    def responder(self) -> Holder:
        """An OCSP responder (RFC 6960 §4.2.2.2)."""
        return self.holder("Small OCSP", usage=ExtendedKeyUsageOID.OCSP_SIGNING)

    def twin(self, holder: Holder) -> bytes:
        """Another certificate of another key with the same name and serial number."""
        key, like = ec.generate_private_key(ec.SECP256R1()), holder.certificate
        builder = (
            x509.CertificateBuilder()
            .subject_name(like.subject)
            .issuer_name(like.issuer)
            .serial_number(like.serial_number)
            .public_key(key.public_key())
            .not_valid_before(like.not_valid_before_utc)
            .not_valid_after(like.not_valid_after_utc)
        )
        return der(builder.sign(self.issuing.key, hashes.SHA256()))

    def token(self, covered: bytes, hashed: str = "sha256", by: Holder | None = None) -> bytes:
        """A TimeStampToken over ``covered`` of this very moment, made by openssl."""
        return self.token_of(hashlib.new(hashed, covered).digest(), hashed, by)

    def token_of(self, digest: bytes, hashed: str = "sha256", by: Holder | None = None) -> bytes:
        """The same over what has this digest."""
        query = ["-query", "-digest", digest.hex(), f"-{hashed}", "-cert", "-out", "q"]
        with self._authority(by or self.stamper) as place:
            _openssl(place, "ts", *query)
            reply = ["-reply", "-queryfile", "q", "-config", "conf", "-token_out", "-out", "t"]
            _openssl(place, "ts", *reply)
            return (place / "t").read_bytes()

    def stamp_response(self, request: bytes, by: Holder | None = None) -> bytes:
        """The TimeStampResp of openssl to a TimeStampReq."""
        with self._authority(by or self.stamper) as place:
            (place / "q").write_bytes(request)
            _openssl(place, "ts", "-reply", "-queryfile", "q", "-config", "conf", "-out", "r")
            return (place / "r").read_bytes()

    @contextmanager
    def _authority(self, by: Holder) -> Iterator[Path]:
        """A directory with what openssl needs to stamp."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory)
            pems = {"tsa": [by.certificate], "chain": by.above[:-1]}
            for name, certificates in pems.items():
                octets = (one.public_bytes(serialization.Encoding.PEM) for one in certificates)
                (path / f"{name}.pem").write_bytes(b"".join(octets))
            (path / "key.pem").write_bytes(by.private(serialization.Encoding.PEM))
            (path / "serial").write_text(f"{x509.random_serial_number() % 2**60:016X}")
            (path / "conf").write_text(_TSA.format(path=path))
            yield path

    def ocsp(self, holder: Holder, at: datetime.datetime | None = None) -> bytes:
        """An OCSPResponse that says good."""
        at = at or datetime.datetime.now(datetime.UTC)
        return (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=holder.certificate,
                issuer=holder.above[0],
                algorithm=hashes.SHA256(),
                cert_status=ocsp.OCSPCertStatus.GOOD,
                this_update=at,
                next_update=at + datetime.timedelta(hours=1),
                revocation_time=None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder.certificate)
            .certificates([self.responder.certificate])
            .sign(self.responder.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.DER)
        )

    def material(self, *holders: Holder) -> Evidence:
        """What B-LT needs to judge these holders, the TSA and the responder."""
        every = (*holders, self.stamper, self.responder)
        certificates = [one for holder in every for one in (holder.der, *holder.chain)]
        return Evidence(
            certificates=tuple(dict.fromkeys(certificates)),
            ocsp=tuple(self.ocsp(holder) for holder in (*holders, self.stamper)),
            crls=(self.crl(),),
        )

    def crl(
        self, by: Holder | None = None, *revoked: Holder, days: int = 30, age: int = 0
    ) -> bytes:
        """The list of the root or another authority, ``age`` days old, due ``days`` after now."""
        now = datetime.datetime.now(datetime.UTC)
        by = by or self.root
        builder = x509.CertificateRevocationListBuilder(by.certificate.subject)
        builder = builder.last_update(now - datetime.timedelta(days=age))
        builder = builder.next_update(now + datetime.timedelta(days=days))
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().revocation_date(now)
            entry = entry.serial_number(one.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.build())
        made = builder.sign(by.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.DER)

    def pem(self, directory: Path) -> Path:
        """A file with the root."""
        path = directory / "root.pem"
        path.write_bytes(self.root.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def _certify(
        self,
        name: str,
        public: object,
        by: Holder | Key,
        *,
        ca: int | None = None,
        usage: x509.ObjectIdentifier | None = None,
        until: datetime.datetime | None = None,
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = by.certificate.subject if isinstance(by, Holder) else subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=30))
            .not_valid_after(until or NOW + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca is not None, ca), critical=True)
            .add_extension(_key_usage(ca is not None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)  # type: ignore[arg-type]
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        if usage == ExtendedKeyUsageOID.OCSP_SIGNING:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        key = by.key if isinstance(by, Holder) else by
        if isinstance(by, Holder):
            builder = self._below(builder, by)
        return builder.sign(key, None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256())

    def _below(self, builder: x509.CertificateBuilder, by: Holder) -> x509.CertificateBuilder:
        public = by.certificate.public_key()
        address = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{self.url}/ocsp")
        )
        return builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public),  # type: ignore[arg-type]
            critical=False,
        ).add_extension(x509.AuthorityInformationAccess([address]), critical=False)


def _key_usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _openssl(path: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=path, check=True, capture_output=True)


_TSA = """
[tsa]
default_tsa = tsa_config
[tsa_config]
dir = {path}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
certs = $dir/chain.pem
signer_key = $dir/key.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.59999.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
