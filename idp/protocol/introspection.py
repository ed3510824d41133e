"""What introspection tells about a token, and to whom (RFC 7662)."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from idp.protocol.client import Client
from idp.protocol.grant import Grant
from idp.protocol.refresh import RefreshToken
from idp.protocol.tokens import AccessToken, confirmation_claim, token_type

SIGNED = "application/token-introspection+jwt"
"""RFC 9701 §4, §5."""

_ZERO = re.compile(r"0(\.0{0,3})?\Z", re.ASCII)

INACTIVE: Mapping[str, Any] = {"active": False}
"""§2.2: the same for an unknown, expired or revoked token, and for one of somebody else."""


def may_ask(client: Client, token: AccessToken) -> bool:
    """Return whether ``token`` is meant for ``client`` or was issued to it (§4)."""
    return client.client_id == token.client_id or (
        client.audience is not None and client.audience in token.audience
    )


def access_token_answer(token: AccessToken) -> dict[str, Any]:
    """Return what is told of an access token that is good.

    §2.2; ``cnf``: RFC 9449 §6.2, RFC 8705 §3.2; ``act``: RFC 8693 §4.1; RFC 9396 §9.2; how and
    when the person proved themselves: RFC 9470 §6.2.
    """
    bound, extra = token.confirmation, dict[str, Any]()
    if bound is not None:
        extra["cnf"] = confirmation_claim(bound)
    if token.actor is not None:
        extra["act"] = token.actor
    if token.may_act is not None:
        extra["may_act"] = {"sub": token.may_act}
    if token.auth_time is not None:
        extra["auth_time"] = token.auth_time
    if token.acr is not None:
        extra["acr"] = token.acr
    if token.details:
        extra["authorization_details"] = token.details
    return {
        "active": True,
        "scope": " ".join(token.scope),
        "client_id": token.client_id,
        "token_type": token_type(bound),
        "exp": token.expires_at,
        "iat": token.issued_at,
        "sub": token.subject,
        "aud": token.audience[0] if len(token.audience) == 1 else token.audience,
        "iss": token.issuer,
        "jti": token.id,
        **extra,
    }


def refresh_token_answer(token: RefreshToken, grant: Grant) -> dict[str, Any]:
    """Return what the client that owns a good refresh token is told of it."""
    authorization = grant.authorization
    bound = authorization.bound_to
    return {
        "active": True,
        "scope": " ".join(authorization.scope),
        "client_id": authorization.client_id,
        "exp": token.expires_at,
        "iat": token.issued_at,
        "sub": authorization.subject,
        "iss": authorization.issuer,
        **({} if bound is None else {"cnf": confirmation_claim(bound)}),
    }


def wants_signed(accept: str | None) -> bool:
    """Return whether an Accept header names the signed form (RFC 9701 §4, RFC 9110 §12.5.1).

    It has to be named: who takes anything gets JSON.
    """
    for wish in (accept or "").split(","):
        kind, *parameters = (part.strip().lower() for part in wish.split(";"))
        if kind == SIGNED:
            weights = [text.partition("=") for text in parameters if text.startswith("q=")]
            return not any(_ZERO.match(weight) for _, _, weight in weights)
    return False


def signed_claims(told: Mapping[str, Any], client: Client, now: int) -> bytes:
    """Return the claims of a signed answer to ``client`` as JSON (RFC 9701 §5).

    ``sub`` and ``exp`` stand in ``token_introspection`` alone: so it is no token of the person.
    """
    return msgspec.json.encode(
        {
            "iss": client.issuer,
            "aud": client.audience or client.client_id,
            "iat": now,
            "token_introspection": told,
        }
    )
