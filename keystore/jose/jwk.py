"""Public keys of others (RFC 7517), let in under a strict policy.

RSA of 2048 to 8192 bits with an odd exponent from 65537 up to 32 bits; P-256 and P-384 (points that
lie on their curve); Ed25519. Members that make a private or symmetric key refuse the whole set, and
so does one ``kid`` used twice. Key types that are not known are passed over (RFC 7517 §5).
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystore.jose import base64url, strict
from keystore.jose.public import jwk, members, thumbprint

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey

LONGEST_SET = 64 * 1024
MOST_KEYS = 32
LONGEST_KID = 256

_PRIVATE = frozenset(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
_CURVES: Mapping[str, tuple[ec.EllipticCurve, int]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
}
_ALGS = {
    "RSA": frozenset(["RS256", "PS256", "RSA-OAEP-256"]),
    "P-256": frozenset(["ES256", "ECDH-ES", "ECDH-ES+A256KW"]),
    "P-384": frozenset(["ES384", "ECDH-ES", "ECDH-ES+A256KW"]),
    "Ed25519": frozenset(["EdDSA", "Ed25519"]),
}


class KeyRefused(Exception):
    """A key or key set breaks the import policy; the text says how and may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwk:
    """One public key. ``algs`` are those it may serve, after its own ``alg`` and ``use``.

    ``certificate`` is the first one of ``x5c`` (DER), ``spki`` the key in DER.
    """

    kid: str | None
    algs: frozenset[str]
    key: PublicKey
    required: Mapping[str, str]
    certificate: bytes | None = None

    @property
    def spki(self) -> bytes:
        """Return the key as a SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7)."""
        return self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def thumbprint(self) -> str:
        """Return the SHA-256 thumbprint (RFC 7638)."""
        return thumbprint(dict(self.required))


@dataclass(frozen=True, slots=True)
class JwkSet:
    """The keys of one client."""

    keys: tuple[Jwk, ...]

    def find(self, alg: str, kid: str | None) -> Jwk | None:
        """Return the key for ``alg``; without a kid only if there is just one (OIDC Core §10.1)."""
        fitting = [key for key in self.keys if alg in key.algs]
        if kid is not None:
            named = [key for key in fitting if key.kid == kid]
            fitting = named or [key for key in fitting if key.kid is None]
        return fitting[0] if len(fitting) == 1 else None

    def has(self, certificate: bytes, spki: bytes) -> bool:
        """Return whether the key ``spki`` is there: with this ``certificate``, or with none."""
        return any(one.spki == spki and one.certificate in (None, certificate) for one in self.keys)


def parse_set(raw: bytes) -> JwkSet:
    """Return the keys of a JWK set (RFC 7517 §5), or raise KeyRefused."""
    if len(raw) > LONGEST_SET:
        raise KeyRefused("the key set is longer than 64 KiB")
    try:
        members = strict.json_object(raw).get("keys")
    except ValueError as reason:
        raise KeyRefused(f"the key set is not a JSON object: {reason}") from reason
    if not isinstance(members, list) or not 0 < len(members) <= MOST_KEYS:
        raise KeyRefused(f"keys must be a list of 1 to {MOST_KEYS} keys")
    found = tuple(key for key in map(parse, members) if key is not None)
    kids = [key.kid for key in found if key.kid is not None]
    if len(set(kids)) != len(kids):
        raise KeyRefused("one kid names two keys")
    return JwkSet(found)


def written(keys: JwkSet, alg: str) -> bytes:
    """Return the JWK Set of keys that all sign with ``alg`` (RFC 7517 §5)."""
    shown = [jwk(one.spki, alg, one.kid or one.thumbprint()) for one in keys.keys]
    return b'{"keys":[' + b",".join(shown) + b"]}"


def parse(members: object) -> Jwk | None:
    """Return one public key, None for a type that is not known; raise KeyRefused."""
    if not isinstance(members, dict):
        raise KeyRefused("a key is not a JSON object")
    if _PRIVATE & members.keys():
        raise KeyRefused("a private or symmetric key was published: replace it")
    kid = members.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= LONGEST_KID):
        raise KeyRefused("kid must be a string of 1 to 256 characters")
    match members.get("kty"), members.get("crv"):
        case "RSA", _:
            kind, key, required = "RSA", *_rsa(members)
        case "EC", ("P-256" | "P-384") as kind:
            key, required = _elliptic(members, kind)
        case "OKP", "Ed25519":
            kind, key, required = "Ed25519", *_edwards(members)
        case "oct", _:
            raise KeyRefused("a private or symmetric key was published: replace it")
        case _:
            return None
    return Jwk(
        kid=kid,
        algs=_uses(members, _ALGS[kind]),
        key=key,
        required=required,
        certificate=_certificate(members),
    )


def key_of(spki: bytes, alg: str, kid: str) -> Jwk:
    """Return one of our own keys from its SubjectPublicKeyInfo (DER)."""
    found = parse({**members(spki), "kid": kid, "alg": alg, "use": "sig"})
    assert found is not None  # what we make is known here
    return found


def _rsa(members: Mapping[str, Any]) -> tuple[PublicKey, dict[str, str]]:
    modulus, exponent = _uint(members, "n", 1024), _uint(members, "e", 8)
    if not 2048 <= modulus.bit_length() <= 8192:
        raise KeyRefused("RSA keys have 2048 to 8192 bits")
    if not 65537 <= exponent < 2**32 or exponent % 2 == 0 or modulus % 2 == 0:
        raise KeyRefused("the exponent of an RSA key is odd and at least 65537")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return key, {"e": members["e"], "kty": "RSA", "n": members["n"]}


def _elliptic(members: Mapping[str, Any], name: str) -> tuple[PublicKey, dict[str, str]]:
    curve, size = _CURVES[name]
    x, y = _octets(members, "x", size), _octets(members, "y", size)
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
    except ValueError as reason:
        raise KeyRefused("the point does not lie on the curve") from reason
    return key, {"crv": name, "kty": "EC", "x": members["x"], "y": members["y"]}


def _edwards(members: Mapping[str, Any]) -> tuple[PublicKey, dict[str, str]]:
    raw = _octets(members, "x", 32)
    if raw in _LOW_ORDER:
        raise KeyRefused("a point of low order is nobody's key")
    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as reason:
        raise KeyRefused("not an Ed25519 key") from reason
    return key, {"crv": "Ed25519", "kty": "OKP", "x": members["x"]}


def _certificate(members: Mapping[str, Any]) -> bytes | None:
    """Return the first certificate of ``x5c`` (RFC 7517 §4.7): standard base64 of DER."""
    chain = members.get("x5c")
    if chain is None:
        return None
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise KeyRefused("x5c is a list of certificates")
    try:
        return b64decode(chain[0], validate=True)
    except ValueError as reason:
        raise KeyRefused("x5c holds certificates in base64") from reason


def _uses(members: Mapping[str, Any], possible: frozenset[str]) -> frozenset[str]:
    """Narrow the algorithms by ``alg``, ``use`` and ``key_ops`` (RFC 7517 §4.2 to §4.4)."""
    use, alg, operations = members.get("use"), members.get("alg"), members.get("key_ops")
    encrypting = frozenset(one for one in possible if one.startswith(("RSA-", "ECDH-")))
    if use == "sig" or (isinstance(operations, list) and "verify" in operations):
        possible -= encrypting
    elif use == "enc":
        possible &= encrypting
    elif use is not None:
        return frozenset()
    if alg is not None:
        possible &= frozenset([alg] if isinstance(alg, str) else [])
    return possible


def _uint(members: Mapping[str, Any], name: str, longest: int) -> int:
    raw = _decoded(members, name)
    if not 0 < len(raw) <= longest or raw[0] == 0:  # RFC 7518 §2: no leading zero octets
        raise KeyRefused(f"{name} is not a Base64urlUInt")
    return int.from_bytes(raw, "big")


def _octets(members: Mapping[str, Any], name: str, size: int) -> bytes:
    raw = _decoded(members, name)
    if len(raw) != size:  # RFC 7518 §6.2.1.2: the full size of a coordinate
        raise KeyRefused(f"{name} has {len(raw)} octets instead of {size}")
    return raw


def _decoded(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    try:
        return base64url.decode(value) if isinstance(value, str) else b""
    except ValueError as reason:
        raise KeyRefused(f"{name} is not base64url") from reason


_PRIME = 2**255 - 19
_ORDER_EIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826


def _low_order() -> frozenset[bytes]:
    """Return every encoding of the eight points whose order divides 8 (RFC 8032 §5.1.7)."""
    heights = (0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _ORDER_EIGHT, _PRIME - _ORDER_EIGHT)
    signs = (0, 1 << 255)
    return frozenset((y | sign).to_bytes(32, "little") for y in heights for sign in signs)


_LOW_ORDER = _low_order()
