"""Writing signed cryptographic messages (RFC 5652) as CAdES and time-stamps need them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from keystore.der import oids
from keystore.der.algorithms import digest_identifier, signature_algorithm
from keystore.der.names import issuer_and_serial
from keystore.der.writer import context, integer, octets, oid, sequence, set_of, tlv

_SIGNED_ATTRIBUTES = 0xA0
_UNSIGNED_ATTRIBUTES = 0xA1
_LAST_UTC_YEAR = 2049


def attribute(dotted: str, *values: bytes) -> bytes:
    """Return an Attribute (RFC 5652 §5.3)."""
    return sequence(oid(dotted), set_of(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAttributes:
    """The signed attributes of CAdES B-B (ETSI EN 319 122-1 §6.3).

    content-type, message-digest under ``hash_oid``, signing-certificate-v2 and, unless it is None,
    signing-time (NumericDate). ``extra`` are more attributes, each whole.
    """

    content_type: str = oids.CONTENT
    digest: bytes
    hash_oid: str
    certificate: bytes
    signing_time: int | None
    extra: Sequence[bytes] = ()

    def der(self) -> bytes:
        """Return them as the SET OF that is signed (RFC 5652 §5.4).

        Raises ValueError for a digest that has not the length of its algorithm.
        """
        if len(self.digest) != _LENGTHS[self.hash_oid]:
            raise ValueError("the digest has not the length of its algorithm")
        attributes = [
            _content_type(self.content_type),
            attribute(oids.MESSAGE_DIGEST, octets(self.digest)),
            attribute(oids.SIGNING_CERTIFICATE_V2, signing_certificate(self.certificate)),
            *self.extra,
        ]
        if self.signing_time is not None:
            attributes.append(attribute(oids.SIGNING_TIME, time(self.signing_time)))
        return set_of(attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """One signer, known by the issuer and serial number of its certificate (RFC 5652 §5.3).

    ``attributes`` are what ``SignedAttributes`` wrote, ``signature`` is over them, as
    ``signature_octets`` writes it; ``alg`` is its JWS name, ``unsigned`` are whole attributes.
    """

    attributes: bytes
    signature: bytes
    alg: str
    certificate: bytes
    hash_oid: str
    unsigned: Sequence[bytes] = ()

    def der(self) -> bytes:
        """Return the SignerInfo."""
        return sequence(
            integer(1),
            sequence(*issuer_and_serial(self.certificate)),
            digest_identifier(self.hash_oid),
            bytes((_SIGNED_ATTRIBUTES,)) + self.attributes[1:],
            signature_algorithm(self.alg).identifier,
            octets(self.signature),
            unsigned_attributes(self.unsigned),
        )


def signed_by(
    signer: SignerInfo,
    certificates: Iterable[bytes],
    *,
    content_type: str = oids.CONTENT,
    content: bytes | None = None,
) -> bytes:
    """Return a ContentInfo with one signer (RFC 5652 §3, §5).

    ``certificates`` are written beside the signer's; ``content`` is encapsulated, None leaves it
    detached.
    """
    return SignedData(
        digest_algorithms=(digest_identifier(signer.hash_oid),),
        encapsulated=encapsulated(content_type, content),
        certificates=(signer.certificate, *certificates),
        revocations=(),
        signers=(signer.der(),),
        version=1 if content_type == oids.CONTENT else 3,
    ).der()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """The parts of a SignedData (RFC 5652 §5.1), each a whole value; ``der`` orders its sets."""

    digest_algorithms: Sequence[bytes]
    encapsulated: bytes
    certificates: Sequence[bytes]
    revocations: Sequence[bytes]
    signers: Sequence[bytes]
    version: int

    def der(self) -> bytes:
        """Return the ContentInfo."""
        certificates = b"".join(sorted(set(self.certificates)))
        revocations = b"".join(sorted(set(self.revocations)))
        written = sequence(
            integer(self.version),
            set_of(set(self.digest_algorithms)),
            self.encapsulated,
            context(0, certificates) if certificates else b"",
            context(1, revocations) if revocations else b"",
            set_of(self.signers),
        )
        return sequence(oid(oids.SIGNED), context(0, written))


def unsigned_attributes(attributes: Sequence[bytes]) -> bytes:
    """Return the unsigned attributes of a SignerInfo; nothing when there are none."""
    return tlv(_UNSIGNED_ATTRIBUTES, b"".join(sorted(attributes))) if attributes else b""


def encapsulated(content_type: str, content: bytes | None) -> bytes:
    """Return an EncapsulatedContentInfo; without ``content`` the signature is detached."""
    return sequence(oid(content_type), b"" if content is None else context(0, octets(content)))


def ocsp_revocation(response: bytes) -> bytes:
    """Return an OCSPResponse as other revocation information (RFC 5940 §2.1)."""
    return context(1, oid(oids.OCSP_RESPONSE) + response)


@lru_cache(maxsize=8)
def _content_type(dotted: str) -> bytes:
    return attribute(oids.CONTENT_TYPE, oid(dotted))


def signing_certificate(certificate: bytes) -> bytes:
    """Return a SigningCertificateV2 (RFC 5035 §3) by SHA-256, its default, which is not written."""
    hashed = hashlib.sha256(certificate).digest()
    return sequence(sequence(sequence(octets(hashed))))


@lru_cache(maxsize=32)
def algorithm_protection(hash_oid: str, alg: str) -> bytes:
    """Return the attribute that binds both algorithms to the signature (RFC 6211 §2)."""
    digest = digest_identifier(hash_oid)
    signature = signature_algorithm(alg).identifier
    return attribute(oids.ALGORITHM_PROTECTION, sequence(digest, bytes((0xA1,)) + signature[1:]))


@lru_cache(maxsize=64)
def time(at: int) -> bytes:
    """Return a NumericDate as Time: UTCTime until 2049, then GeneralizedTime (RFC 5652 §11.3)."""
    moment = datetime.fromtimestamp(at, UTC)
    if moment.year <= _LAST_UTC_YEAR:
        return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def ecdsa_der(raw: bytes) -> bytes:
    """Return r || s, each half of ``raw``, as an Ecdsa-Sig-Value (RFC 3279 §2.2.3)."""
    half = len(raw) // 2
    r, s = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    return sequence(integer(r), integer(s))


def signature_octets(alg: str, raw: bytes) -> bytes:
    """Return a signature as JWS writes it the way that messages and certificates write it."""
    return ecdsa_der(raw) if alg.startswith("ES") else raw


_LENGTHS = {oids.SHA256: 32, oids.SHA384: 48, oids.SHA512: 64}
