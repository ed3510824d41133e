"""What a JWS says in its protected header, judged: algorithm, certificate, time, extensions."""

import hashlib
import hmac
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from esignet.formats.format import FormatError
from esignet.formats.jose_reading import Part, decoded
from esignet.formats.judging import Refused
from keystore.checking.signature import verify

ETSI = frozenset(
    ["sigT", "x5t#o", "sigX5ts", "srCms", "sigPl", "srAts", "adoTst", "sigPId", "sigD"]
)
"""Header parameters of ETSI TS 119 182-1 §5.2, which only a JAdES signature has."""

_CRITICAL = frozenset({"b64", "sigD"})
"""Those that say what is signed have to be in ``crit`` (§5.1.9, RFC 7797 §6); others may be."""

_UNDERSTOOD = frozenset({"b64", "iat", *ETSI} - {"adoTst", "sigPId", "sigX5ts"})
_REGISTERED = frozenset(
    [
        *("alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"),
        *("enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c"),
    ]
)
"""Names of RFC 7515 §4.1 and RFC 7518, which may not be in ``crit``."""

_LENGTHS = {"ES256": 64, "ES384": 96, "ES512": 132}
_BITS = (256, 384, 512)
_ALGS = frozenset(
    [*_LENGTHS, "EdDSA", *(f"RS{bits}" for bits in _BITS), *(f"PS{bits}" for bits in _BITS)]
)
_HASHES = {"S256": "sha256", "S384": "sha384", "S512": "sha512"}
_MOST_CERTIFICATES = 20


def check_critical(header: Mapping[str, Any]) -> None:
    """Raise FormatError, Refused: an extension is not understood, or not called critical."""
    critical = header.get("crit", [])
    if "crit" in header and (not isinstance(critical, list) or not critical):
        raise FormatError("crit is empty, or no list")
    if any(not isinstance(name, str) for name in critical) or len(set(critical)) != len(critical):
        raise FormatError("crit is no list of different names")
    if set(critical) & _REGISTERED or not set(critical) <= set(header):
        raise FormatError("crit names what may not be in it")
    if "sigPId" in header:
        reason = "the policy of the signature is not known here"
        raise Refused("SIGNATURE_POLICY_NOT_AVAILABLE", reason)
    if set(critical) - _UNDERSTOOD:
        raise FormatError("a critical extension is not understood")
    if (set(header) & _CRITICAL) - set(critical):
        raise FormatError("an extension is there that crit does not name")
    if not isinstance(header.get("b64", True), bool):
        raise FormatError("b64 is not true or false")


def alg_of(header: Mapping[str, Any]) -> str:
    """Return the algorithm, or raise Refused: none, a code of a secret key, or another weak one."""
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGS:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the signature's algorithm is not accepted")
    return alg


def certificates_of(header: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Return the certificates of ``x5c``, the signer's first; FormatError: they are malformed."""
    chain = header.get("x5c", [])
    if not isinstance(chain, list) or len(chain) > _MOST_CERTIFICATES:
        raise FormatError("x5c is malformed")
    return tuple(map(base64_of, chain))


def certificate_of(header: Mapping[str, Any], *, named: bool) -> bytes:
    """Return the signer's certificate; ``named``: it has to be named by its digest too (§5.1.7)."""
    chain = certificates_of(header)
    if not chain:
        raise Refused("NO_SIGNING_CERTIFICATE_FOUND", "the signer's certificate is not there")
    present = [name for name in ("x5t#S256", "x5t#o", "sigX5ts") if name in header]
    if len(present) > 1:
        raise FormatError("the certificate is named in two ways")
    if not present and named:
        raise Refused("SIG_CONSTRAINTS_FAILURE", "no header parameter names the certificate")
    if present:
        name, digest = _thumbprint(header, present[0])
        if not hmac.compare_digest(hashlib.new(name, chain[0]).digest(), digest):
            raise Refused("NO_SIGNING_CERTIFICATE_FOUND", "the signature names another certificate")
    return chain[0]


def claimed_at(header: Mapping[str, Any]) -> int | None:
    """Return the signing time of ``iat`` or ``sigT``; FormatError: both, or malformed."""
    issued, said = header.get("iat"), header.get("sigT")
    if "iat" in header and "sigT" in header:
        raise FormatError("the signing time stands in iat and in sigT")
    if "iat" in header:
        if isinstance(issued, bool) or not isinstance(issued, int) or not 0 <= issued < 2**38:
            raise FormatError("the signing time is malformed")
        return issued
    if "sigT" not in header:
        return None
    try:
        if not isinstance(said, str) or len(said) != 20 or said[-1] != "Z":
            raise ValueError
        return int(datetime.fromisoformat(said).timestamp())
    except ValueError as fault:
        raise FormatError("the signing time is malformed") from fault


def check_value(part: Part, certificate: bytes, alg: str, payload: bytes) -> None:
    """Raise BadSignature, Refused unless the signature is of this key over the signing input.

    ``payload`` is as it goes into the signing input: encoded, or as it is when ``b64`` is false.
    """
    value = part.value
    if len(value) != _LENGTHS.get(alg, len(value)):
        raise Refused("SIG_CRYPTO_FAILURE", "the signature has not the length of its algorithm")
    verify(certificate, alg, value, part.protected.encode() + b"." + payload)


def base64_of(text: object) -> bytes:
    """Return the octets of base64 in its one form, or raise FormatError."""
    try:
        if not isinstance(text, str):
            raise ValueError
        octets = a2b_base64(text, strict_mode=True)
        if b64encode(octets).decode() != text:
            raise ValueError
    except ValueError as fault:
        raise FormatError("a member holds no base64") from fault
    return octets


def _thumbprint(header: Mapping[str, Any], name: str) -> tuple[str, bytes]:
    found = header[name]
    if name == "x5t#S256":
        return "sha256", decoded(found)
    if name == "sigX5ts" or not isinstance(found, dict):
        raise FormatError("the certificate is named in a way that is not understood")
    hashed = _HASHES.get(str(found.get("digAlg")))
    if hashed is None:
        raise Refused("CRYPTO_CONSTRAINTS_FAILURE", "the certificate is named by a weak hash")
    return hashed, decoded(found.get("digVal"))
