"""Clients without people: resource servers, and machines that ask for tokens of their own."""

import base64
import json
from typing import Any

from idp.flows.registration import Registered
from tests.oauth import Provider

API = "https://api.example/records"
OTHER = "https://api.example/other"


async def resource_server(op: Provider, address: str = API, **changes: Any) -> Registered:
    """Register a resource server that takes records:read and records:write."""
    wish: dict[str, Any] = {
        "redirect_uris": (),
        "response_types": (),
        "grant_types": (),
        "scope": frozenset(),
        "audience": address,
        "audience_scope": frozenset({"records:read", "records:write"}),
    }
    method = changes.pop("method", "client_secret_basic")
    return await op.register(method, **(wish | changes))


async def machine(op: Provider, method: str = "client_secret_basic", **changes: Any) -> Registered:
    """Register a client of client_credentials that may name API."""
    wish: dict[str, Any] = {
        "redirect_uris": (),
        "response_types": (),
        "grant_types": ("client_credentials",),
        "scope": frozenset({"records:read", "records:write"}),
        "resources": (API,),
    }
    return await op.register(method, **(wish | changes))


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWS, unverified."""
    return _part(token, 1)


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWS."""
    return _part(token, 0)


def _part(token: str, index: int) -> dict[str, Any]:
    part = token.split(".")[index]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read
