"""Reading JWS in any serialisation (RFC 7515 §7), strictly, and writing them back unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from esignet.formats.format import FormatError
from keystore.jose import base64url, strict

LARGEST = 64 * 1024 * 1024
"""Octets of one signature file."""

MOST = 100
"""Signatures in one file."""

_GENERAL = frozenset({"payload", "signatures"})
_FLATTENED = frozenset({"payload", "protected", "header", "signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One signature: its encoded parts as they stand, and both of its headers as they were read."""

    protected: str
    signature: str
    header: Mapping[str, Any]
    unprotected: Mapping[str, Any]

    @property
    def value(self) -> bytes:
        """Return the octets of the signature; FormatError: it is not base64url."""
        return decoded(self.signature)


@dataclass(frozen=True, slots=True)
class Jws:
    """A JWS: its encoded payload, None when detached, and every signature."""

    payload: str | None
    parts: tuple[Part, ...]

    def json(self) -> bytes:
        """Return it in JSON serialisation, flattened where there is one signature."""
        members = [_members_of(part) for part in self.parts]
        payload = {} if self.payload is None else {"payload": self.payload}
        whole = members[0] if len(members) == 1 else {"signatures": members}
        return msgspec.json.encode(payload | whole)


def read(octets: bytes) -> Jws:
    """Return the JWS, or raise FormatError: none, or one that readers may read differently."""
    if len(octets) > LARGEST:
        raise FormatError("the signature is too large")
    text = octets.strip()
    return _json(text) if text.startswith(b"{") else _compact(text)


def decoded(text: object) -> bytes:
    """Return the octets of base64url, or raise FormatError."""
    try:
        return base64url.decode(_text(text))
    except ValueError as fault:
        raise FormatError("a part of the signature is not base64url") from fault


def json_object(octets: bytes) -> dict[str, Any]:
    """Return a JSON object in which no name stands twice, or raise FormatError."""
    try:
        return strict.json_object(octets)
    except ValueError as fault:
        raise FormatError(
            "a part of the signature is no JSON object, or a name is twice"
        ) from fault


def _compact(text: bytes) -> Jws:
    try:
        parts = text.decode("ascii").split(".")
    except ValueError as fault:
        raise FormatError("this is no JWS") from fault
    if len(parts) != 3:
        raise FormatError("this is no JWS")
    protected, payload, signature = parts
    part = _part({"protected": protected, "signature": signature})
    return Jws(payload or None, (part,))


def _json(text: bytes) -> Jws:
    members = json_object(text)
    general = "signatures" in members
    if set(members) - (_GENERAL if general else _FLATTENED):
        raise FormatError("a member of the JWS is unknown")
    each = members["signatures"] if general else [members]
    if not isinstance(each, list) or not 0 < len(each) <= MOST:
        raise FormatError("the JWS has no signatures, or too many")
    payload = members.get("payload")
    return Jws(None if payload is None else _text(payload), tuple(map(_part, each)))


def _part(members: object) -> Part:
    if not isinstance(members, dict) or set(members) - _FLATTENED:
        raise FormatError("a signature of the JWS is malformed")
    unprotected = members.get("header", {})
    if not isinstance(unprotected, dict):
        raise FormatError("the unprotected header is no object")
    protected = _text(members.get("protected"))
    header = json_object(decoded(protected))
    if set(header) & set(unprotected):
        raise FormatError("a header parameter is in both headers")
    return Part(
        protected=protected,
        signature=_text(members.get("signature")),
        header=header,
        unprotected=unprotected,
    )


def _members_of(part: Part) -> dict[str, Any]:
    members: dict[str, Any] = {"protected": part.protected}
    if part.unprotected:
        members["header"] = dict(part.unprotected)
    return members | {"signature": part.signature}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FormatError("a member of the JWS is no text")
    return value
