"""Pushed authorization requests: what they are called, and when one may be opened (RFC 9126)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.protocol.errors import InvalidRequest, InvalidRequestUri
from idp.protocol.parameters import Parameters
from idp.protocol.profile import Profile

PREFIX = "urn:ietf:params:oauth:request_uri:"
"""RFC 9126 §2.2."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)  # 256 bits
_CREDENTIALS = frozenset(
    ("client_secret", "client_assertion", "client_assertion_type", "request", "request_uri")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """A request that passed every check when it was pushed.

    ``asked`` is what it asks, without the client's credentials; ``signed`` says that it came in a
    verified request object. It is opened for the first time before ``opened_by``, and answered
    before ``expires_at``. ``used_at`` is set once, when it is answered with what it asked for.
    """

    digest: bytes
    client_id: str
    asked: Mapping[str, str]
    signed: bool
    opened_by: int
    expires_at: int
    used_at: int | None = None


def is_pushed(asked: Parameters) -> bool:
    """Return whether a request refers to one that was pushed."""
    return asked.get("request_uri", "").startswith(PREFIX)


def secret_of(request_uri: str) -> str:
    """Return the random part of a ``request_uri`` of ours, or raise InvalidRequestUri."""
    secret = request_uri.removeprefix(PREFIX)
    if not _SECRET.match(secret):
        raise InvalidRequestUri("request_uri is unknown")
    return secret


def kept(asked: Parameters) -> dict[str, str]:
    """Return what of a request is kept: everything but credentials."""
    return {name: value for name, value in asked.items() if name not in _CREDENTIALS}


def refuse_references(asked: Parameters) -> None:
    """Raise InvalidRequest for a request that refers to another one (RFC 9126 §2.1)."""
    if "request_uri" in asked:
        raise InvalidRequest("request_uri cannot be pushed")


def opened(pushed: PushedRequest | None, client_id: str, now: int) -> PushedRequest:
    """Return the request if this client may open it now, or raise InvalidRequestUri.

    Opening does not use it up: pages are loaded twice, and programs look at links before people do
    (FAPI 2.0 Security Profile §5.3.2.2). What is another client's is as unknown as nobody's.
    """
    if pushed is None or pushed.client_id != client_id:
        raise InvalidRequestUri("request_uri is unknown")
    if pushed.used_at is not None:
        raise InvalidRequestUri("request_uri was used before")
    if now >= pushed.opened_by:
        raise InvalidRequestUri("request_uri expired")
    return pushed


def metadata(issuer: str, profile: Profile) -> dict[str, Any]:
    """Return the members of the issuer's metadata (RFC 9126 §5)."""
    return {
        "pushed_authorization_request_endpoint": f"{issuer.rstrip('/')}/par",
        "require_pushed_authorization_requests": profile.pushed_requests_only,
    }


def answer(secret: str, lifetime: int) -> dict[str, Any]:
    """Return the answer to the client (RFC 9126 §2.2); ``lifetime`` is in seconds."""
    return {"request_uri": PREFIX + secret, "expires_in": lifetime}
