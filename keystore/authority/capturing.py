"""X.509 structures built by the cryptography library and signed by a key that lies elsewhere.

Its builders ask a key for a signature at once; a token answers later. So they are given a key that
answers with nothing, what was to be signed is taken out of their work, and the true signature is
put beside it.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509 import ocsp

from keystore.der import writer
from keystore.der.remembering import remembering

ECDSA_SHA256 = writer.algorithm("1.2.840.10045.4.3.2")
_NOTHING = utils.encode_dss_signature(1, 1)


class AbsentKey(ec.EllipticCurvePrivateKey):
    """Stands for a P-256 key of the token: it has the public part, and signs nothing."""

    def __init__(self, spki: bytes) -> None:
        public = load_der_public_key(spki)
        assert isinstance(public, ec.EllipticCurvePublicKey)
        self._public = public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        return _NOTHING

    def exchange(self, *_: Any) -> NoReturn:
        raise NotImplementedError

    def private_numbers(self) -> NoReturn:
        raise NotImplementedError

    def private_bytes(self, *_: Any) -> NoReturn:
        raise NotImplementedError

    def __copy__(self) -> "AbsentKey":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "AbsentKey":
        return self


_absent = remembering(AbsentKey, kept=64, longest=256)


class Unsigned:
    """A structure that lacks its signature: ``signed`` are the octets that it is over."""

    def __init__(self, signed: bytes, finish: Callable[[bytes], bytes]) -> None:
        self.signed = signed
        self._finish = finish

    def finished(self, raw: bytes) -> bytes:
        """Return the structure in DER with ``raw`` (r || s, P-256 with SHA-256) in it."""
        half = len(raw) // 2
        r, s = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
        return self._finish(utils.encode_dss_signature(r, s))


def spki(public: object) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key that was read, in DER."""
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificate(builder: x509.CertificateBuilder, by: bytes) -> Unsigned:
    """Return the certificate (RFC 5280 §4.1) that the key with this public part (DER) signs."""
    tbs = builder.sign(_absent(by), hashes.SHA256()).tbs_certificate_bytes
    return Unsigned(tbs, lambda signature: beside(tbs, signature))


def request(builder: x509.CertificateSigningRequestBuilder, by: bytes) -> Unsigned:
    """Return the request (RFC 2986 §4) whose key, which has this public part, signs it itself."""
    tbs = builder.sign(_absent(by), hashes.SHA256()).tbs_certrequest_bytes
    return Unsigned(tbs, lambda signature: beside(tbs, signature))


def revocation_list(builder: x509.CertificateRevocationListBuilder, by: bytes) -> Unsigned:
    """Return the list (RFC 5280 §5.1) that the key with this public part signs."""
    tbs = builder.sign(_absent(by), hashes.SHA256()).tbs_certlist_bytes
    return Unsigned(tbs, lambda signature: beside(tbs, signature))


def answer(builder: ocsp.OCSPResponseBuilder, by: bytes, certificate: bytes) -> Unsigned:
    """Return the OCSP response (RFC 6960 §4.2.1) that a responder's key signs."""
    tbs = builder.sign(_absent(by), hashes.SHA256()).tbs_response_bytes

    def finish(signature: bytes) -> bytes:
        certificates = writer.context(0, writer.sequence(certificate))
        basic = writer.sequence(tbs, ECDSA_SHA256, writer.bits(signature), certificates)
        kind = writer.oid("1.3.6.1.5.5.7.48.1.1")
        return writer.sequence(
            writer.tlv(0x0A, b"\0"),
            writer.context(0, writer.sequence(kind, writer.octets(basic))),
        )

    return Unsigned(tbs, finish)


def beside(tbs: bytes, signature: bytes) -> bytes:
    """Return what was to be signed with its signature (ECDSA with SHA-256, in DER)."""
    return writer.sequence(tbs, ECDSA_SHA256, writer.bits(signature))
