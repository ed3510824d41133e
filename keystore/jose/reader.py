"""JWTs from outside, read strictly (RFC 7515, RFC 7519, RFC 8725).

``parse`` looks at form only and proves nothing; ``verify`` and ``verify_mac`` prove it and are,
with ``recognise`` for what we signed ourselves, the only way to a ``Verified``. Compact
serialization only; canonical base64url; the algorithm must be one that the caller names; ``typ``
must be one that the caller names; ``crit`` is refused, as no extension is understood here; ``jwk``,
``jku``, ``x5u`` and ``x5c`` are never looked at, and ``kid`` only chooses among the keys that the
caller gave.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keystore.jose import base64url, strict
from keystore.jose.jwk import LONGEST_KID, JwkSet, PublicKey

LONGEST_TOKEN = 64 * 1024
LONGEST_HEADER = 4 * 1024
SHORTEST_SECRET = 32
"""Octets of a key for HS256 (RFC 7518 §3.2)."""

_SHA256 = hashes.SHA256()
_ECDSA = {"ES256": (ec.ECDSA(_SHA256), 32), "ES384": (ec.ECDSA(hashes.SHA384()), 48)}
_PADDING = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(_SHA256), 32)}
_EDDSA = ("EdDSA", "Ed25519")

_SHAPES: Mapping[str, type] = {
    **dict.fromkeys(("kid", "typ", "cty", "jku", "x5u", "x5t", "x5t#S256"), str),
    "jwk": dict,
    "x5c": list,
}
"""What RFC 7515 §4.1 says of parameters that are otherwise not looked at."""

ASYMMETRIC = frozenset([*_ECDSA, *_PADDING, *_EDDSA])


class BadToken(Exception):
    """Not a token that may be used here: malformed, of another kind, or with no key to prove it."""


class BadSignature(BadToken):
    """The signature does not fit: somebody else made the token, or it was altered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the caller accepts. ``typs`` are lower case, without ``application/``; "" is none."""

    algs: frozenset[str]
    typs: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A well-formed token about which nothing is proven."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature fits. Its times, issuer and audience are the caller's to judge."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse(token: str) -> Parsed:
    """Return the parts of a compact JWS whose payload is a JSON object, or raise BadToken."""
    if len(token) > LONGEST_TOKEN:
        raise BadToken("longer than 64 KiB")
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("not a compact JWS")
    if len(parts[0]) > LONGEST_HEADER:
        raise BadToken("header longer than 4 KiB")
    try:
        header, claims = (strict.json_object(base64url.decode(part)) for part in parts[:2])
        signature = base64url.decode(parts[2])
    except ValueError as reason:
        raise BadToken("not base64url of JSON objects") from reason
    _look_at(header)
    signed = token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
    return Parsed(header=header, claims=claims, signed=signed, signature=signature)


def verify(parsed: Parsed, keys: JwkSet, rules: Rules) -> Verified:
    """Return the token if one of ``keys`` signed it, or raise BadToken or BadSignature."""
    alg, key = _chosen(parsed, keys, rules)
    try:
        _CHECKS[alg](key, alg, parsed.signature, parsed.signed)
    except (InvalidSignature, ValueError) as reason:
        raise BadSignature("the signature does not fit") from reason
    return Verified(parsed.header, parsed.claims)


def recognise(parsed: Parsed, keys: JwkSet, rules: Rules) -> Verified:
    """Return a token that the caller knows, octet for octet, to be signed by its own key service;
    raise BadToken when that key is not among ``keys`` (any more).
    """
    _chosen(parsed, keys, rules)
    return Verified(parsed.header, parsed.claims)


def verify_mac(parsed: Parsed, secret: bytes, rules: Rules) -> Verified:
    """Return the token if ``secret`` made its HS256 code, or raise BadToken or BadSignature."""
    if rules.algs != {"HS256"}:
        raise ValueError("symmetric and asymmetric algorithms never share a list")
    _accepted(parsed, rules)
    if len(secret) < SHORTEST_SECRET:
        raise BadToken("the secret is too short for HS256")
    made = hmac.digest(secret, parsed.signed, "sha256")
    if not hmac.compare_digest(made, parsed.signature):
        raise BadSignature("the code does not fit")
    return Verified(parsed.header, parsed.claims)


def fingerprint(token: str) -> bytes:
    """Return the SHA-256 of a token, under which it may be remembered."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _look_at(header: Mapping[str, Any]) -> None:
    if not isinstance(header.get("alg"), str):
        raise BadToken("alg is missing")
    if "crit" in header or "b64" in header:  # RFC 7515 §4.1.11, RFC 7797 §6
        raise BadToken("an extension is critical that is not understood here")
    if "zip" in header or "enc" in header:
        raise BadToken("a JWS is neither compressed nor encrypted")
    if any(name in header and not isinstance(header[name], _SHAPES[name]) for name in _SHAPES):
        raise BadToken("a registered header parameter has another type")
    if not 0 < len(header.get("kid", "-")) <= LONGEST_KID:
        raise BadToken("kid must be a string of 1 to 256 characters")


def _chosen(parsed: Parsed, keys: JwkSet, rules: Rules) -> tuple[str, PublicKey]:
    """Return the algorithm and the key that the header names, where both are accepted."""
    if not rules.algs <= ASYMMETRIC:
        raise ValueError("symmetric and asymmetric algorithms never share a list")
    alg = _accepted(parsed, rules)
    found = keys.find(alg, parsed.header.get("kid"))
    if found is None:
        raise BadToken("no key, or more than one, fits alg and kid")
    return alg, found.key


def _accepted(parsed: Parsed, rules: Rules) -> str:
    typ: str = parsed.header.get("typ", "")
    # RFC 7515 §4.1.9: media types compare without case; "application/" may be left out.
    if typ.lower().removeprefix("application/") not in rules.typs:
        raise BadToken("typ names another kind of token")
    alg: str = parsed.header["alg"]
    if alg not in rules.algs:
        raise BadToken("alg is not accepted here")
    return alg


def _check_ecdsa(key: PublicKey, alg: str, signature: bytes, signed: bytes) -> None:
    algorithm, size = _ECDSA[alg]
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(r, s), signed, algorithm)


def _check_rsa(key: PublicKey, alg: str, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidSignature
    key.verify(signature, signed, _PADDING[alg], _SHA256)


def _check_eddsa(key: PublicKey, alg: str, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, Ed25519PublicKey) or alg not in _EDDSA:
        raise InvalidSignature
    key.verify(signature, signed)


_Check = Callable[[PublicKey, str, bytes, bytes], None]
_CHECKS: Mapping[str, _Check] = {
    **dict.fromkeys(_ECDSA, _check_ecdsa),
    **dict.fromkeys(_PADDING, _check_rsa),
    **dict.fromkeys(_EDDSA, _check_eddsa),
}
