"""What a DPoP proof must say: that somebody holds a key, here and now (RFC 9449 §4).

The signature is verified before, with the key in the proof's own header; nonces are judged after.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from idp.protocol.errors import InvalidDpopProof

ALGS = ("ES256", "PS256", "EdDSA")
"""What a proof may be signed with under every profile: FAPI 2.0 Security Profile §5.4.1."""

TYP = "dpop+jwt"

LONGEST_PROOF = 8192
"""Characters of a proof: an RSA key of 8192 bits fits."""

LONGEST_ID = 512
LONGEST_ADDRESS = 2048

OLDEST = 60
"""Seconds that a proof may be old: a slow network, or a clock that runs behind."""

AHEAD = 30
"""Seconds that a sender's clock may run ahead."""

_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)
_ADDRESS = re.compile(r"[!#-;=?-\[\]_a-z~]+\Z", re.ASCII)  # RFC 3986 §2
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]\Z", re.ASCII)
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a proof has to fit: the request that brought it. ``access_token`` is of a resource's."""

    method: str
    address: str
    now: int
    access_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that fits its request. ``id`` is good once between ``usable_since`` and
    ``expires_at``; ``nonce`` is the server's, if one was sent.
    """

    id: str
    usable_since: int
    expires_at: int
    nonce: str | None


def judge(claims: Mapping[str, Any], expected: Expected) -> Proof:
    """Return the proof in ``claims``, whose signature fits, or raise InvalidDpopProof.

    RFC 9449 §4.3. Claims that it does not name, ``nbf`` and ``exp`` too, say nothing here: how
    long a proof is good is the server's to decide.
    """
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 0 < len(proof_id) <= LONGEST_ID:
        raise InvalidDpopProof("the proof has no usable jti")
    if claims.get("htm") != expected.method:
        raise InvalidDpopProof("htm of the proof is not the method of the request")
    if not same_address(claims.get("htu"), expected.address):
        raise InvalidDpopProof("htu of the proof is not the address of the request")
    issued_at = _issued_at(claims.get("iat"), expected.now)
    token = expected.access_token
    if token is not None and claims.get("ath") != hash_of(token):
        raise InvalidDpopProof("ath of the proof is not the hash of the access token")
    nonce = claims.get("nonce")
    return Proof(
        id=proof_id,
        usable_since=issued_at - AHEAD,
        expires_at=issued_at + OLDEST + 1,
        nonce=nonce if isinstance(nonce, str) else None,
    )


def _issued_at(issued_at: object, now: int) -> int:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise InvalidDpopProof("the proof has no usable iat")
    if not now - OLDEST <= issued_at <= now + AHEAD:
        raise InvalidDpopProof("iat of the proof is too far from now")
    return int(issued_at)


def hash_of(access_token: str) -> str:
    """Return ``ath``: the SHA-256 of an access token as base64url (RFC 9449 §4.2)."""
    made = hashlib.sha256(access_token.encode()).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def is_thumbprint(text: str) -> bool:
    """Return whether ``text`` looks like a SHA-256 thumbprint: ``dpop_jkt`` (RFC 9449 §10)."""
    return _THUMBPRINT.match(text) is not None


def same_address(named: object, address: str) -> bool:
    """Return whether ``named`` is ``address`` but for query and fragment.

    RFC 9449 §4.3 (9): after the normalisation of RFC 3986 §6.2.2 and §6.2.3.
    """
    if not isinstance(named, str) or len(named) > LONGEST_ADDRESS or not _ADDRESS.match(named):
        return False
    return named == address or _normalised(named) == _normalised(address) is not None


def _normalised(address: str) -> tuple[str, str, int | None, str] | None:
    """Return scheme, host, port and path; None for what is no address of a request."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc:
        return None
    if port is None:
        port = _DEFAULT_PORTS.get(parts.scheme)
    path = _without_dots(_ESCAPE.sub(_unescaped, parts.path))
    return parts.scheme, parts.hostname, port, path


def _unescaped(escape: re.Match[str]) -> str:
    """Return what ``%xx`` stands for if that is unreserved, else the escape in capitals."""
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.match(character) else escape[0].upper()


def _without_dots(path: str) -> str:
    """Return ``path`` without the segments ``.`` and ``..`` (RFC 3986 §5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
