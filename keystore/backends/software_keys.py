"""Private keys in memory: made, written down as octets, read again and used."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.runtime.entropy import Entropy
from keystore.backends.backend import SIGNING, Algorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey | MLDSA65PrivateKey
Signer = Callable[[bytes], bytes]

_SHA256 = hashes.SHA256()
_ECDSA = ec.ECDSA(_SHA256)
_ECDSA_OF_DIGEST = ec.ECDSA(Prehashed(_SHA256))
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(padding.MGF1(_SHA256), 32)
_KINDS: dict[Algorithm, tuple[type, ...]] = {
    Algorithm.ES256: (ec.EllipticCurvePrivateKey,),
    Algorithm.RS256: (rsa.RSAPrivateKey,),
    Algorithm.PS256: (rsa.RSAPrivateKey,),
    Algorithm.EDDSA: (Ed25519PrivateKey,),
    Algorithm.ML_DSA_65: (MLDSA65PrivateKey,),
}

ATTRIBUTES = {
    "CKA_LOCAL": True,
    "CKA_SENSITIVE": False,
    "CKA_ALWAYS_SENSITIVE": False,
    "CKA_EXTRACTABLE": True,
    "CKA_NEVER_EXTRACTABLE": False,
}
"""What a token would say of a key in memory: whoever reads the memory has it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A key ready for use; of ``sign``, ``secret`` and ``cipher`` the one that it is for."""

    algorithm: Algorithm
    sign: Signer | None
    public: bytes
    secret: bytes
    cipher: AESGCM | None


def new_private_key(algorithm: Algorithm) -> PrivateKey:
    """Make a key that signs."""
    match algorithm:
        case Algorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case Algorithm.EDDSA:
            return Ed25519PrivateKey.generate()
        case Algorithm.ML_DSA_65:
            return MLDSA65PrivateKey.generate()
        case Algorithm.RS256 | Algorithm.PS256:
            return rsa.generate_private_key(65537, 2048)
    raise ValueError(f"{algorithm} does not sign")


def new_secret(algorithm: Algorithm, entropy: Entropy) -> bytes:
    """Make a key as it is written down: PKCS#8 in DER, or the octets of a secret key."""
    if algorithm not in SIGNING:
        return entropy.bytes(32)
    return pkcs8(new_private_key(algorithm))


def pkcs8(key: PrivateKey) -> bytes:
    """Return a private key in DER (RFC 5958)."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def private_key(der: bytes, algorithm: Algorithm) -> PrivateKey:
    """Read a private key from PKCS#8. Raises ValueError if it is none of ``algorithm``."""
    key = serialization.load_der_private_key(der, None)
    if not isinstance(key, _KINDS[algorithm]):
        raise ValueError(f"the key is not for {algorithm}")
    assert isinstance(key, PrivateKey)
    return key


def spki(key: PrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo (RFC 5280 §4.1) in DER."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load(algorithm: Algorithm, secret: bytes) -> Loaded:
    """Return a key that was written down, ready for use."""
    if algorithm is Algorithm.AES:
        return Loaded(algorithm, None, b"", b"", AESGCM(secret))
    if algorithm not in SIGNING:
        return Loaded(algorithm, None, b"", secret, None)
    key = private_key(secret, algorithm)
    return Loaded(algorithm, signer(key, algorithm), spki(key), b"", None)


def signer(key: PrivateKey, algorithm: Algorithm) -> Signer:
    """Return a function from a message to its signature in the form of JWS."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _elliptic(key, _ECDSA)
    if isinstance(key, rsa.RSAPrivateKey):
        modular = key
        scheme = _PSS if algorithm is Algorithm.PS256 else _PKCS1
        return lambda message: modular.sign(message, scheme, _SHA256)
    return key.sign


def digest_signer(key: PrivateKey) -> Signer:
    """Return a function from a SHA-256 digest to r || s. Raises ValueError for other keys."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("only ECDSA keys sign digests")
    return _elliptic(key, _ECDSA_OF_DIGEST)


def _elliptic(key: ec.EllipticCurvePrivateKey, scheme: ec.ECDSA) -> Signer:
    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, scheme))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def keyed_hash(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256 of ``message``."""
    keyed = hmac.HMAC(key, _SHA256)
    keyed.update(message)
    return keyed.finalize()
