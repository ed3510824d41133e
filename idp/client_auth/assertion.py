"""What both kinds of assertion must say (RFC 7523 §3, OpenID Connect Core 1.0 §9)."""

from collections.abc import Mapping
from typing import Any

from config.runtime.database.unit import Write
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.stores.used import Used

LONGEST = 3600
"""Seconds in the future that ``exp`` may lie; its ``jti`` is remembered until then."""

SKEW = 30
"""Seconds that a client's clock may run ahead: more than 10 are accepted, 60 are not."""

LONGEST_ID = 512
TYPS = frozenset(("", "jwt", "client-authentication+jwt"))
"""The last is of draft-ietf-oauth-rfc7523bis §4."""


def accept(
    claims: Mapping[str, Any], client: Client, audiences: frozenset[str], used: Used, now: int
) -> Write:
    """Return the write that uses the assertion up, or raise InvalidClient.

    ``audiences`` are the issuer and, where the profile allows it, the token endpoint.
    """
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("iss and sub of the assertion must be the client_id")
    _check_audience(claims.get("aud"), audiences)
    expires_at, usable_since = _check_times(claims, now)
    assertion_id = claims.get("jti")
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= LONGEST_ID:
        raise InvalidClient("the assertion has no usable jti")
    return used.once("assertion", client.client_id, assertion_id, expires_at + SKEW, usable_since)


def _check_audience(audience: object, audiences: frozenset[str]) -> None:
    names = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(name, str) and name in audiences for name in names):
        raise InvalidClient("aud of the assertion is not this server")


def _check_times(claims: Mapping[str, Any], now: int) -> tuple[int, int]:
    """Return when the assertion ends, and the first moment at which it would have been taken."""
    expires_at = _time(claims.get("exp"))
    if expires_at is None:
        raise InvalidClient("the assertion has no exp")
    if expires_at <= now - SKEW:
        raise InvalidClient("the assertion expired")
    if expires_at > now + LONGEST + SKEW:
        raise InvalidClient("exp of the assertion lies too far in the future")
    usable_since = expires_at - LONGEST - SKEW
    for name in ("iat", "nbf"):
        moment = _time(claims.get(name, 0))
        if moment is None or moment > now + SKEW:
            raise InvalidClient(f"{name} of the assertion lies in the future")
        usable_since = max(usable_since, moment - SKEW)
    return int(expires_at), int(usable_since)


def _time(value: object) -> float | None:
    """Return a NumericDate, which may have a fraction (RFC 7519 §2); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 2**53 else None
