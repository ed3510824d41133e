"""What both kinds of assertion must say (RFC 7523 §3, OpenID Connect Core 1.0 §9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.runtime.database.unit import Write
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClient
from idp.protocol.profile import PROFILES, Profile
from idp.stores.used import Used

SKEW = 30
"""Seconds that a client's clock may run ahead: more than 10 are accepted, 60 are not."""

LONGEST_ID = 512
TYPS = frozenset(("", "jwt", "client-authentication+jwt"))
"""The last is of draft-ietf-oauth-rfc7523bis §4."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an assertion may be meant for: the issuer, and its token endpoint.

    OpenID Connect Core 1.0 §9 names the token endpoint, RFC 7523bis §4 the issuer; FAPI 2.0
    Security Profile §5.3.2.1 (8) demands the issuer as a string and nothing else.
    """

    issuer: str

    def check(self, named: object, profile: Profile) -> None:
        """Raise InvalidClient unless ``aud`` is what the profile allows."""
        if profile.issuer_is_only_audience:
            if named != self.issuer:
                raise InvalidClient("aud of the assertion must be the issuer, as one string")
            return
        names = named if isinstance(named, list) else [named]
        if not any(name in (self.issuer, f"{self.issuer}/token") for name in names):
            raise InvalidClient("aud of the assertion is not this server")


def accept(
    claims: Mapping[str, Any], client: Client, audience: Audience, used: Used, now: int
) -> Write:
    """Return the write that uses the assertion up, or raise InvalidClient."""
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise InvalidClient("iss and sub of the assertion must be the client_id")
    profile = PROFILES[client.profile]
    audience.check(claims.get("aud"), profile)
    expires_at, usable_since = _check_times(claims, profile.longest_assertion, now)
    assertion_id = claims.get("jti")
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= LONGEST_ID:
        raise InvalidClient("the assertion has no usable jti")
    return used.once("assertion", client.client_id, assertion_id, expires_at + SKEW, usable_since)


def _check_times(claims: Mapping[str, Any], longest: int, now: int) -> tuple[int, int]:
    """Return when the assertion ends, and the first moment at which it would have been taken."""
    expires_at = _time(claims.get("exp"))
    if expires_at is None:
        raise InvalidClient("the assertion has no exp")
    if expires_at <= now - SKEW:
        raise InvalidClient("the assertion expired")
    if expires_at > now + longest + SKEW:
        raise InvalidClient("exp of the assertion lies too far in the future")
    usable_since = expires_at - longest - SKEW
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
