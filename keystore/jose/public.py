"""Our public signing keys as the JWKS shows them (RFC 7517, RFC 8037, RFC 9964)."""

import hashlib

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystore.jose import base64url


def members(spki: bytes) -> dict[str, str]:
    """Return the members of the JWK that make the key (RFC 7638 §3.2), in lexicographic order."""
    key = load_der_public_key(spki)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": _uint(point.x, 32), "y": _uint(point.y, 32)}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"e": _uint(numbers.e), "kty": "RSA", "n": _uint(numbers.n)}
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _text(key.public_bytes_raw())}
    if isinstance(key, MLDSA65PublicKey):
        return {"alg": "ML-DSA-65", "kty": "AKP", "pub": _text(key.public_bytes_raw())}
    raise ValueError("not a kind of key that signs tokens here")


def thumbprint(required: dict[str, str]) -> str:
    """Return the SHA-256 thumbprint of a JWK's required members (RFC 7638 §3)."""
    ordered = {name: required[name] for name in sorted(required)}
    return _text(hashlib.sha256(msgspec.json.encode(ordered)).digest())


def jwk(spki: bytes, alg: str, kid: str) -> bytes:
    """Return the JWK that verifies ``alg`` (RFC 7517 §4)."""
    return msgspec.json.encode({**members(spki), "kid": kid, "alg": alg, "use": "sig"})


def _uint(number: int, length: int | None = None) -> str:
    # RFC 7518 §2: Base64urlUInt has no leading zeros; coordinates are as long as the curve.
    size = length or (number.bit_length() + 7) // 8
    return _text(number.to_bytes(size, "big"))


def _text(raw: bytes) -> str:
    return base64url.encode(raw).decode("ascii")
