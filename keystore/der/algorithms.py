"""Algorithm identifiers of cryptographic messages, by the names that JWS has for them."""

from dataclasses import dataclass
from functools import lru_cache

from keystore.der import oids
from keystore.der.reader import Fields, NotDer, Value, integer, oid
from keystore.der.writer import NULL, algorithm, context, sequence
from keystore.der.writer import integer as written_integer

HASHES = {
    oids.SHA256: "sha256",
    oids.SHA384: "sha384",
    oids.SHA512: "sha512",
}
"""The digests that may be used, and their names for hashlib."""


def _pss(hash_oid: str, salt: int) -> bytes:
    """Return RSASSA-PSS-params (RFC 4055 §3.1); nothing in them is a default."""
    digest = algorithm(hash_oid, NULL)
    return sequence(
        context(0, digest),
        context(1, algorithm(oids.MGF1, digest)),
        context(2, written_integer(salt)),
    )


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature algorithm: its JWS name, its AlgorithmIdentifier, the digest it goes with."""

    alg: str
    identifier: bytes
    hash_oid: str


_KNOWN = (
    SignatureAlgorithm("ES256", algorithm(oids.ECDSA_SHA256), oids.SHA256),
    SignatureAlgorithm("ES384", algorithm(oids.ECDSA_SHA384), oids.SHA384),
    SignatureAlgorithm("ES512", algorithm(oids.ECDSA_SHA512), oids.SHA512),
    SignatureAlgorithm("RS256", algorithm(oids.RSA_SHA256, NULL), oids.SHA256),
    SignatureAlgorithm("RS384", algorithm(oids.RSA_SHA384, NULL), oids.SHA384),
    SignatureAlgorithm("RS512", algorithm(oids.RSA_SHA512, NULL), oids.SHA512),
    SignatureAlgorithm("PS256", algorithm(oids.RSA_PSS, _pss(oids.SHA256, 32)), oids.SHA256),
    SignatureAlgorithm("PS384", algorithm(oids.RSA_PSS, _pss(oids.SHA384, 48)), oids.SHA384),
    SignatureAlgorithm("PS512", algorithm(oids.RSA_PSS, _pss(oids.SHA512, 64)), oids.SHA512),
    # RFC 8419 §3.1: Ed25519 over signed attributes goes with SHA-512 and nothing else.
    SignatureAlgorithm("EdDSA", algorithm(oids.ED25519), oids.SHA512),
    # RFC 9882 §3.3: pure ML-DSA, with SHA-512 over the content.
    SignatureAlgorithm("ML-DSA-44", algorithm(oids.ML_DSA_44), oids.SHA512),
    SignatureAlgorithm("ML-DSA-65", algorithm(oids.ML_DSA_65), oids.SHA512),
    SignatureAlgorithm("ML-DSA-87", algorithm(oids.ML_DSA_87), oids.SHA512),
)
_BY_ALG = {known.alg: known for known in _KNOWN}
_BY_OID = {
    oids.ECDSA_SHA256: "ES256",
    oids.ECDSA_SHA384: "ES384",
    oids.ECDSA_SHA512: "ES512",
    oids.RSA_SHA256: "RS256",
    oids.RSA_SHA384: "RS384",
    oids.RSA_SHA512: "RS512",
    oids.ED25519: "EdDSA",
    oids.ML_DSA_44: "ML-DSA-44",
    oids.ML_DSA_65: "ML-DSA-65",
    oids.ML_DSA_87: "ML-DSA-87",
}
_BARE = (oids.ED25519, oids.ML_DSA_44, oids.ML_DSA_65, oids.ML_DSA_87)
_RSA_BY_HASH = {oids.SHA256: "RS256", oids.SHA384: "RS384", oids.SHA512: "RS512"}


def signature_algorithm(alg: str) -> SignatureAlgorithm:
    """Return what messages call the algorithm with this JWS name. KeyError: unknown."""
    return _BY_ALG[alg]


@lru_cache(maxsize=16)
def digest_identifier(hash_oid: str) -> bytes:
    """Return the AlgorithmIdentifier of a digest, without parameters (RFC 5754 §2)."""
    return algorithm(hash_oid)


def digest_oid(value: Value) -> str:
    """Return which digest an AlgorithmIdentifier names, or raise NotDer."""
    return oid(Fields(value).take(0x06))


def read_signature_algorithm(value: Value, hash_oid: str) -> str:
    """Return the JWS name of an AlgorithmIdentifier beside the digest ``hash_oid``, or ``""``.

    Nothing is returned for what is not accepted: SHA-1, DSA, PSS with parts that differ (RFC 4056
    §3), a digest other than the one that the signature algorithm names. Raises NotDer, also for
    parameters where there must be none (RFC 8410 §3, RFC 9882 §2).
    """
    fields = Fields(value)
    named = oid(fields.take(0x06))
    if named == oids.RSA:
        return _RSA_BY_HASH.get(hash_oid, "")
    if named in _BARE and len(value.children()) > 1:
        raise NotDer(f"the algorithm {_BY_OID[named]} has parameters, and takes none")
    alg = _pss_name(fields) if named == oids.RSA_PSS else _BY_OID.get(named, "")
    return alg if alg and _BY_ALG[alg].hash_oid == hash_oid else ""


def _pss_name(fields: Fields) -> str:
    parameters = Fields(fields.take(0x30))
    parts = [parameters.maybe(0xA0), parameters.maybe(0xA1), parameters.maybe(0xA2)]
    if None in parts:
        return ""
    hashed, masked, salt = (Fields(part, part.tag).any() for part in parts if part is not None)
    mask = Fields(masked)
    if oid(mask.take(0x06)) != oids.MGF1:
        return ""
    one, other = digest_oid(hashed), digest_oid(mask.any())
    name = {oids.SHA256: ("PS256", 32), oids.SHA384: ("PS384", 48), oids.SHA512: ("PS512", 64)}
    alg, length = name.get(one, ("", 0))
    return alg if one == other and integer(salt) == length else ""
