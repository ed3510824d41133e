"""Whether a signature is right under the key of a certificate: arithmetic, no trust."""

from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keystore.der.remembering import remembering

SHORTEST_RSA = 2_048
"""Bits of an RSA key that may have signed (ETSI TS 119 312 §6.2.2.1)."""

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_Lattice = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
_LATTICES = {
    "ML-DSA-44": mldsa.MLDSA44PublicKey,
    "ML-DSA-65": mldsa.MLDSA65PublicKey,
    "ML-DSA-87": mldsa.MLDSA87PublicKey,
}


class BadSignature(Exception):
    """The signature is not of this key over this message, or the algorithm is not accepted."""


def verify(certificate: bytes, alg: str, signature: bytes, message: bytes) -> None:
    """Raise BadSignature unless ``signature`` over ``message`` is of the certificate's key.

    ``certificate`` is in DER. ``alg`` is a JWS name (RFC 7518 §3.1, RFC 8037 §3.1) and
    ``signature`` is as JWS writes it: r || s for ECDSA. For ECDSA in messages the curve need not be
    the one that JWS couples with the hash, so each half may have the length of the key's curve.
    """
    key = _public_key(certificate)
    try:
        _checks(key, alg)(signature, message)
    except (InvalidSignature, ValueError, OverflowError) as fault:
        raise BadSignature("the signature is not of this key over these octets") from fault


def ecdsa_raw(certificate: bytes, encoded: bytes) -> bytes:
    """Return an Ecdsa-Sig-Value (RFC 3279 §2.2.3) as r || s, or raise BadSignature.

    Only its one DER encoding is taken, so that a signature cannot be changed and stay right.
    """
    key = _public_key(certificate)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadSignature("the key of the certificate is none of ECDSA")
    length = (key.curve.key_size + 7) // 8
    try:
        r, s = decode_dss_signature(encoded)
        if encode_dss_signature(r, s) != encoded:
            raise ValueError("not DER")
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")
    except (ValueError, OverflowError) as fault:
        raise BadSignature("the signature is no Ecdsa-Sig-Value in DER") from fault


def _read_key(certificate: bytes) -> CertificatePublicKeyTypes:
    try:
        return x509.load_der_x509_certificate(certificate).public_key()
    except Exception as fault:  # the library raises several kinds of error over foreign octets
        raise BadSignature("the certificate cannot be read") from fault


_public_key = remembering(_read_key, kept=512, longest=4096)


def _checks(key: CertificatePublicKeyTypes, alg: str) -> Callable[[bytes, bytes], None]:
    if isinstance(key, Ed25519PublicKey) and alg == "EdDSA":
        return key.verify
    if isinstance(key, _Lattice) and isinstance(key, _LATTICES.get(alg, ())):
        return key.verify
    kind, hashed = alg[:2], _HASHES.get(alg[2:])
    if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ES" and hashed:
        return _ecdsa(key, hashed)
    if isinstance(key, rsa.RSAPublicKey) and kind in ("RS", "PS") and hashed:
        return _rsa(key, hashed, pss=kind == "PS")
    raise BadSignature("the key of the certificate does not go with the algorithm")


def _ecdsa(
    key: ec.EllipticCurvePublicKey, hashed: hashes.HashAlgorithm
) -> Callable[[bytes, bytes], None]:
    if not isinstance(key.curve, _CURVES):
        raise BadSignature("the key is on a curve that is not accepted")
    length = (key.curve.key_size + 7) // 8

    def check(signature: bytes, message: bytes) -> None:
        if len(signature) != 2 * length:
            raise BadSignature("the signature has not the length of its curve")
        r, s = (int.from_bytes(half, "big") for half in (signature[:length], signature[length:]))
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashed))

    return check


def _rsa(
    key: rsa.RSAPublicKey, hashed: hashes.HashAlgorithm, *, pss: bool
) -> Callable[[bytes, bytes], None]:
    if key.key_size < SHORTEST_RSA:
        raise BadSignature("the key of the certificate is too short")
    salted = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
    scheme = salted if pss else padding.PKCS1v15()
    return lambda signature, message: key.verify(signature, message, scheme, hashed)
