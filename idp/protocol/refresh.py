"""Refresh tokens that rotate: how the next follows from the last (RFC 9700 §4.14.2).

The successor is computed from the token itself and a random salt that is kept with it. Whoever
repeats a token within the grace gets the very same successor, so a reply that was lost, or two
tabs at the same instant, cost nobody the session; and who reads the database can compute none.
"""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import Enum, auto

from idp.protocol.client import Client
from idp.protocol.profile import PROFILES


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One refresh token of a grant. ``salt`` is there since ``used_at``."""

    digest: bytes
    grant_id: str
    issued_at: int
    expires_at: int
    used_at: int | None = None
    salt: bytes | None = None
    repeated_at: int | None = None


class Use(Enum):
    """What presenting a refresh token means."""

    FIRST = auto()  # it is exchanged for its successor
    AGAIN = auto()  # the reply was lost: the same successor once more
    STOLEN = auto()  # somebody else has it too: every token of the grant dies


def rotates(client: Client) -> bool:
    """Return whether ``client`` gets a new refresh token for each that it uses.

    Whoever has the key to prove itself with needs none (RFC 9700 §4.14.2), and FAPI 2.0 Security
    Profile §5.3.2.1 (9) forbids it: a reply that is lost would cost the grant.
    """
    if client.is_public:
        return True
    return PROFILES[client.profile].rotates_refresh_tokens and not client.is_sender_constrained


def judge(token: RefreshToken, now: int, grace: int) -> Use:
    """Return what presenting ``token`` now means. The store judges once more when it writes."""
    if token.used_at is None:
        return Use.FIRST
    if token.repeated_at is None and now - token.used_at <= grace:
        return Use.AGAIN
    return Use.STOLEN


def successor(token: str, salt: bytes) -> str:
    """Return the refresh token that follows ``token``: 256 bits as base64url."""
    made = hashlib.sha256(b"symbolon refresh token\0" + salt + token.encode()).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()
