"""What an authorization endpoint can answer with (OAuth 2.0 Multiple Response Types 1.0 §3, §5)."""

from collections.abc import Sequence
from typing import Any

from config.settings import Features
from config.settings.issuers import RESPONSE_TYPES
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES, Profile

IMPLICIT = "implicit"
"""The grant type of who is answered with tokens (OpenID Connect Dynamic Registration 1.0 §2)."""


def canonical(response_type: str) -> str:
    """Return a response type with its words in the order in which they stand here."""
    return " ".join(sorted(response_type.split(" ")))


def words(response_type: str) -> frozenset[str]:
    """Return what is to stand in the answer."""
    return frozenset(response_type.split(" "))


def gives_code(asked: Parameters) -> bool:
    """Return whether the answer is to hold a code; where no type is asked, it is one."""
    return "code" in (asked.words("response_type") or ("code",))


def grants_of(response_type: str) -> frozenset[str]:
    """Return the grant types that belong to a response type (RFC 7591 §2.1)."""
    asked = words(response_type)
    code = {"authorization_code"} if "code" in asked else set()
    return frozenset(code | ({IMPLICIT} if asked - {"code"} else set()))


def offered(features: Features, profile: Profile) -> tuple[str, ...]:
    """Return the response types that an issuer takes from clients of a profile."""
    allowed = profile.response_types
    return tuple(
        one
        for one in RESPONSE_TYPES
        if one in features.response_types and (allowed is None or one in allowed)
    )


def check_registration(client: Client, features: Features) -> None:
    """Raise InvalidClientMetadata unless response types and grant types fit (RFC 7591 §2.1)."""
    possible = offered(features, PROFILES[client.profile])
    if set(client.response_types) - set(possible):
        raise InvalidClientMetadata(f"response_types are among: {', '.join(possible)}")
    needed = frozenset[str]().union(*(grants_of(one) for one in client.response_types))
    if needed != set(client.grant_types) & {"authorization_code", IMPLICIT}:
        raise InvalidClientMetadata(
            "code and authorization_code, token or id_token and implicit belong together"
        )
    fronted = any("token" in words(one) for one in client.response_types)
    if fronted and client.is_sender_constrained:
        raise InvalidClientMetadata("tokens that are bound to a key never travel in a browser")


def metadata(types: Sequence[str], grant_types: Sequence[str]) -> dict[str, Any]:
    """Return the members of the issuer's metadata that say which types and grants there are."""
    front = any(IMPLICIT in grants_of(one) for one in types)
    return {
        "response_types_supported": list(types),
        "grant_types_supported": [*grant_types, *((IMPLICIT,) if front else ())],
    }
