"""What a resident allowed a client: the authorization, the code that carries it, the grant."""

import hashlib
from dataclasses import dataclass
from typing import Any

from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.signing import CredentialChange, SigningApproval

MOST_ANCESTORS = 4
"""How often tokens may be exchanged one for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The key that a token is bound to (RFC 7800 §3.1): exactly one of them is there.

    ``jkt`` is the thumbprint of a DPoP key (RFC 9449 §6.1), ``x5t`` SHA-256 of a certificate (RFC
    8705 §3.1), both base64url.
    """

    jkt: str | None = None
    x5t: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Who allowed which client to do what: the outcome of a login, or of a client's own request.

    Where no person took part (client_credentials), ``resident_id`` and ``session_id`` are "" and
    ``auth_time`` is None. ``resident_id`` is internal; ``subject`` is what the client calls the
    person. ``scope`` is what was granted, which may be less than what was asked; ``claims`` says
    how claims were asked for, and ``granted_claims`` names those (without language tags) that the
    person agreed to share: no other claim about the person is ever told, whatever ``scope`` and
    ``claims`` say. ``resources`` are the resource servers asked for (RFC 8707), ``details`` the
    granted authorization_details (RFC 9396), ``bound_to`` the key that its tokens must be bound
    to, and ``actor`` the ``act`` claim of a delegation (RFC 8693 §4.1). ``ancestors`` are the
    grants that it was exchanged from: without any of them it is worth nothing. ``grant_action`` is
    what the request wanted done with the grant ("": it did not say; Grant Management §5.2).
    ``signature`` is what the person approved for signing, ``change`` what about their stored
    credentials: a code or a request of another device carries it once; no grant has it.
    """

    grant_id: str
    issuer: str
    client_id: str
    resident_id: str
    subject: str
    scope: tuple[str, ...]
    claims: ClaimsRequest
    granted_claims: frozenset[str]
    claims_locales: tuple[str, ...]
    session_id: str
    auth_time: int | None
    acr: str | None
    amr: tuple[str, ...]
    nonce: str | None
    auth_time_asked: bool
    resources: tuple[str, ...] = ()
    details: tuple[dict[str, Any], ...] = ()
    bound_to: Confirmation | None = None
    actor: dict[str, Any] | None = None
    grant_action: str = ""
    ancestors: tuple[str, ...] = ()
    signature: SigningApproval | None = None
    change: CredentialChange | None = None

    @property
    def has_person(self) -> bool:
        """Return whether a resident allowed it."""
        return self.resident_id != ""

    @property
    def is_offline(self) -> bool:
        """Return whether it outlives the session (OpenID Connect Core 1.0 §11)."""
        return "offline_access" in self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """An authorization code and what it is bound to (RFC 6749 §4.1.2, RFC 7636 §4.4).

    ``digest`` is SHA-256 of the code: the code itself is never stored. ``used_at`` is set once and
    stays as a tombstone, so that a replay revokes what the first use produced (RFC 9700 §2.1.1).
    """

    digest: bytes
    authorization: Authorization
    redirect_uri: str
    code_challenge: str | None
    expires_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A redeemed authorization: every token of it dies with it. ``revoked_at`` is set once.

    ``updated_at`` is when it was widened or replaced last, ``revision`` counts that. Access tokens
    that were issued before ``narrowed_at`` are dead: they may allow more than it does now.
    """

    authorization: Authorization
    created_at: int
    updated_at: int
    expires_at: int
    narrowed_at: int = 0
    revision: int = 0
    revoked_at: int | None = None

    def is_live(self, now: int) -> bool:
        """Return whether its tokens are worth anything."""
        return self.revoked_at is None and now < self.expires_at


def digest_of(secret: str) -> bytes:
    """Return SHA-256 of a code, token or client secret: the form in which it is stored.

    All of them are 256 random bits, so no salt and no slow hash is needed.
    """
    return hashlib.sha256(secret.encode()).digest()
