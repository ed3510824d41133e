"""Assertions of trusted issuers as authorization grants: what makes one good (RFC 7523 §3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.settings.trust import TrustedIssuer
from idp.protocol.client import Client
from idp.protocol.errors import InvalidGrant, InvalidScope
from idp.protocol.parameters import Parameters

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SKEW = 30
"""Seconds that the clock of a trusted issuer may be off."""

LONGEST_ID = 512
LONGEST_NAME = 255
TYPS = frozenset(("", "jwt", "authorization-grant+jwt"))
"""The last is of draft-ietf-oauth-rfc7523bis §4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A good assertion: whom it ``names``, and how it is used up (``id``, once, until)."""

    names: str
    id: str
    expires_at: int
    usable_since: int


def trusted(
    claims: Mapping[str, Any], client: Client, issuers: Sequence[TrustedIssuer]
) -> TrustedIssuer:
    """Return whose assertion this says to be, before anything is proven; or raise InvalidGrant.

    To a client that may not present it an issuer looks like one that nobody trusts.
    """
    for one in issuers:
        if claims.get("iss") == one.issuer and client.client_id in one.clients:
            return one
    raise InvalidGrant("the issuer of the assertion is not trusted for this client")


def accept(claims: Mapping[str, Any], trust: TrustedIssuer, client: Client, now: int) -> Assertion:
    """Return what the assertion says, whose signature fits, or raise InvalidGrant (§3)."""
    if claims.get("aud") not in (client.issuer, [client.issuer]):  # this issuer, and nobody else
        raise InvalidGrant("aud of the assertion is not this issuer alone")
    expires_at = _time(claims.get("exp"))
    if expires_at is None or expires_at <= now - SKEW:
        raise InvalidGrant("the assertion expired")
    if expires_at > now + trust.longest + SKEW:
        raise InvalidGrant("exp of the assertion lies too far in the future")
    usable_since = expires_at - trust.longest - SKEW
    for name in ("iat", "nbf"):
        moment = _time(claims.get(name, 0))
        if moment is None or moment > now + SKEW:
            raise InvalidGrant(f"{name} of the assertion lies in the future")
        usable_since = max(usable_since, moment - SKEW)
    assertion_id, named = claims.get("jti"), claims.get(_claim(trust))
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= LONGEST_ID:
        raise InvalidGrant("the assertion has no usable jti")
    if not isinstance(named, str) or not 0 < len(named) <= LONGEST_NAME:
        raise InvalidGrant("the assertion names nobody who is known here")
    if trust.vouches_for == "client" and named != client.client_id:
        raise InvalidGrant("the assertion names nobody who is known here")
    return Assertion(
        names=named,
        id=assertion_id,
        expires_at=int(expires_at) + SKEW,
        usable_since=int(usable_since),
    )


def scope_of(asked: Parameters, trust: TrustedIssuer, client: Client) -> tuple[str, ...]:
    """Return the scope of the token, or raise InvalidScope: never offline (RFC 7521 §4.1)."""
    possible = tuple(
        word for word in trust.scope if word in client.scope and word != "offline_access"
    )
    wanted = asked.words("scope")
    if not set(wanted) <= set(possible):
        raise InvalidScope("scope is wider than the issuer of the assertion may vouch for")
    return wanted or possible


def _claim(trust: TrustedIssuer) -> str:
    return trust.resident_claim if trust.vouches_for == "resident" else "sub"


def _time(value: object) -> float | None:
    """Return a NumericDate, which may have a fraction (RFC 7519 §2); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 2**53 else None
