"""Public keys of the token, and the proof that a signature is good before anyone gets it."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from keystore.backends.backend import Algorithm
from keystore.pkcs11 import constants as ck
from keystore.pkcs11.session import Session

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
Verification = Callable[[bytes, bytes], None]

_SHA256 = hashes.SHA256()


class BadSignature(Exception):
    """The token returned a signature that its own public key does not verify."""


def read_public(session: Session, key_id: bytes, algorithm: Algorithm) -> PublicKey | None:
    """Return the public key of the pair with this CKA_ID, None if the token has none."""
    found = session.find({ck.CKA_CLASS: ck.CKO_PUBLIC_KEY, ck.CKA_ID: key_id})
    if len(found) != 1:
        return None
    return public_of(session, found[0], algorithm)


def public_of(session: Session, handle: int, algorithm: Algorithm) -> PublicKey | None:
    """Return the public key that is this object, None if it is none of ``algorithm``."""
    try:
        if algorithm in (Algorithm.RS256, Algorithm.PS256):
            modulus, exponent = session.read(handle, (ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT))
            return rsa_key(modulus or b"", exponent or b"")
        (point,) = session.read(handle, (ck.CKA_EC_POINT,))
        return curve_key(algorithm, point or b"")
    except (ValueError, UnsupportedAlgorithm):
        return None


def rsa_key(modulus: bytes, exponent: bytes) -> rsa.RSAPublicKey:
    """Return the key of a modulus and an exponent, both big-endian. Raises ValueError."""
    e, n = int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")
    return rsa.RSAPublicNumbers(e, n).public_key()


def curve_key(algorithm: Algorithm, point: bytes) -> PublicKey:
    """Return the key of a CKA_EC_POINT, wrapped in an OCTET STRING or raw. Raises ValueError."""
    length = 32 if algorithm is Algorithm.EDDSA else 65
    if len(point) == length + 2 and point[:2] == bytes((0x04, length)):
        point = point[2:]
    if algorithm is Algorithm.EDDSA:
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def public_key(der: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo in DER. Raises ValueError."""
    try:
        key = serialization.load_der_public_key(der)
    except UnsupportedAlgorithm as reason:
        raise ValueError("a public key of an unknown kind") from reason
    if not isinstance(key, PublicKey):
        raise ValueError("a public key of another kind")
    return key


def spki(key: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo (RFC 5280 §4.1) in DER."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def verification(key: PublicKey, algorithm: Algorithm) -> Verification:
    """Return a function of signature and message that raises BadSignature."""
    return _proving(_verification(key, algorithm))


def digest_verification(key: PublicKey) -> Verification:
    """Return a function of signature and SHA-256 digest that raises BadSignature.

    Raises ValueError for a key that is not of ECDSA.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("only ECDSA keys sign digests")
    return _proving(_ecdsa(key, ec.ECDSA(utils.Prehashed(_SHA256))))


def _proving(verify: Verification) -> Verification:
    def prove(signature: bytes, message: bytes) -> None:
        try:
            verify(signature, message)
        except InvalidSignature:
            raise BadSignature("the token returned a bad signature") from None

    return prove


def _verification(key: PublicKey, algorithm: Algorithm) -> Verification:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _ecdsa(key, ec.ECDSA(_SHA256))
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.verify
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm is Algorithm.PS256:
        scheme = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)
    return lambda signature, message: key.verify(signature, message, scheme, _SHA256)


def _ecdsa(key: ec.EllipticCurvePublicKey, ecdsa: ec.ECDSA) -> Verification:
    def verify(signature: bytes, message: bytes) -> None:
        if len(signature) != 64:  # RFC 7518 §3.4
            raise InvalidSignature
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(utils.encode_dss_signature(r, s), message, ecdsa)

    return verify
