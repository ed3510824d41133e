"""ID tokens, access tokens and signed userinfo: which claims stand in them, and how they are read.

OpenID Connect Core 1.0 §2, §5.3.2; RFC 9068 §2.2. Claims are made here and signed through the door.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from idp.protocol.authorization import VerifiedHint
from idp.protocol.errors import InvalidRequest, InvalidToken
from idp.protocol.grant import Authorization, Confirmation

LONGEST_SUBJECT = 255
"""Characters of ``sub``, all ASCII (OpenID Connect Core 1.0 §2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token of ours that was verified, or is about to be signed.

    ``actor`` is the ``act`` claim, ``may_act`` the only one who may act with it (RFC 8693 §4).
    """

    issuer: str
    audience: tuple[str, ...]
    subject: str
    client_id: str
    grant_id: str
    scope: tuple[str, ...]
    id: str
    issued_at: int
    expires_at: int
    confirmation: Confirmation | None = None
    details: tuple[dict[str, Any], ...] = ()
    actor: dict[str, Any] | None = None
    may_act: str | None = None
    auth_time: int | None = None
    acr: str | None = None

    @property
    def lifetime(self) -> int:
        """Return how many seconds it lives."""
        return self.expires_at - self.issued_at


def access_token_claims(authorization: Authorization, token: AccessToken) -> bytes:
    """Return the claims of an access token as JSON (RFC 9068 §2.2).

    ``grant_id`` lets us look at the grant whenever the token is used. Nothing in it tells who the
    person is beyond the client's own ``sub``.
    """
    claims: dict[str, Any] = {
        "iss": token.issuer,
        "sub": _subject(token.subject),
        "aud": token.audience[0] if len(token.audience) == 1 else token.audience,
        "client_id": token.client_id,
        "grant_id": token.grant_id,
        "jti": token.id,
        "iat": token.issued_at,
        "exp": token.expires_at,
    }
    if token.scope:
        claims["scope"] = " ".join(token.scope)
    if token.auth_time is not None:
        claims["auth_time"] = token.auth_time
    if token.actor is not None:
        claims["act"] = token.actor
    if token.may_act is not None:
        claims["may_act"] = {"sub": token.may_act}
    if token.details:
        claims["authorization_details"] = token.details
    if token.confirmation is not None:
        claims["cnf"] = confirmation_claim(token.confirmation)
    if token.acr is not None:
        claims["acr"] = token.acr
    if authorization.amr:
        claims["amr"] = authorization.amr
    return msgspec.json.encode(claims)


def read_access_token(claims: Mapping[str, Any], issuer: str, now: int) -> AccessToken:
    """Return the access token in ``claims``, whose signature fits, or raise InvalidToken.

    RFC 9068 §4: ``iss``, ``aud`` and ``exp`` are judged here, ``typ`` where the signature is.
    """
    try:
        audience = claims["aud"]
        token = AccessToken(
            issuer=claims["iss"],
            audience=(audience,) if isinstance(audience, str) else tuple(audience),
            subject=claims["sub"],
            client_id=claims["client_id"],
            grant_id=claims["grant_id"],
            scope=tuple(claims.get("scope", "").split()),
            id=claims["jti"],
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            confirmation=_confirmation(claims.get("cnf")),
            details=tuple(claims.get("authorization_details", ())),
            actor=claims.get("act"),
            may_act=claims.get("may_act", {}).get("sub"),
            auth_time=claims.get("auth_time"),
            acr=claims.get("acr"),
        )
        is_over = token.expires_at <= now
    except (KeyError, TypeError, AttributeError):
        raise InvalidToken("not an access token") from None
    if token.issuer != issuer:
        raise InvalidToken("issued by another issuer")
    if is_over:
        raise InvalidToken("the access token expired")
    return token


def confirmation_claim(confirmation: Confirmation) -> dict[str, str]:
    """Return the ``cnf`` claim (RFC 9449 §6.1, RFC 8705 §3.1)."""
    if confirmation.jkt is not None:
        return {"jkt": confirmation.jkt}
    return {"x5t#S256": confirmation.x5t or ""}


def _confirmation(claim: Mapping[str, str] | None) -> Confirmation | None:
    if claim is None:
        return None
    return Confirmation(jkt=claim.get("jkt"), x5t=claim.get("x5t#S256"))


def id_token_claims(
    authorization: Authorization, person: Mapping[str, Any], *, now: int, lifetime: int, fresh: bool
) -> bytes:
    """Return the claims of an ID token as JSON (OpenID Connect Core 1.0 §2).

    ``person`` are further claims: those about the person that were asked for in the ID token.
    ``fresh`` is False when a refresh token is exchanged: then there is no nonce (§12.2).
    ``at_hash`` is left out, as §3.1.3.6 allows in the code flow: so both tokens are signed at once.
    """
    claims: dict[str, Any] = {
        **person,
        "iss": authorization.issuer,
        "sub": _subject(authorization.subject),
        "aud": authorization.client_id,  # one audience, hence no azp (§2)
        "iat": now,
        "exp": now + lifetime,
        "sid": session_identifier(authorization.session_id, authorization.client_id),
    }
    if authorization.auth_time_asked:
        claims["auth_time"] = authorization.auth_time
    if authorization.acr is not None:
        claims["acr"] = authorization.acr
    if authorization.amr:
        claims["amr"] = authorization.amr
    if fresh and authorization.nonce is not None:
        claims["nonce"] = authorization.nonce
    return msgspec.json.encode(claims)


def half_hash(value: str, alg: str) -> str:
    """Return the left half of a token's hash, as at_hash tells it (OpenID Connect Core §3.1.3.6).

    The hash is that of ``alg``, which signs the ID token; Ed25519 has SHA-512 (RFC 8037 §3.1).
    """
    name = {"EdDSA": "sha512", "Ed25519": "sha512", "ES384": "sha384"}.get(alg, "sha256")
    made = hashlib.new(name, value.encode()).digest()
    return urlsafe_b64encode(made[: len(made) // 2]).rstrip(b"=").decode()


def userinfo_claims(
    authorization: Authorization, person: Mapping[str, Any], *, signed: bool
) -> bytes:
    """Return what userinfo answers as JSON (OpenID Connect Core 1.0 §5.3.2).

    ``signed`` adds ``iss`` and ``aud``, as a signed answer should have.
    """
    claims = {**person, "sub": _subject(authorization.subject)}
    if signed:
        claims |= {"iss": authorization.issuer, "aud": authorization.client_id}
    return msgspec.json.encode(claims)


def read_hint(claims: Mapping[str, Any], issuer: str) -> VerifiedHint:
    """Return what an ID token whose signature fits says, or raise InvalidRequest.

    It may have expired: a hint tells who, and proves nothing (OpenID Connect Core 1.0 §3.1.2.1).
    """
    audience = claims.get("aud")
    names = [audience] if isinstance(audience, str) else audience
    subject, session, ds_hash = claims.get("sub"), claims.get("sid"), claims.get("ds_hash")
    if (
        claims.get("iss") != issuer
        or not isinstance(subject, str)
        or not isinstance(names, list)
        or "exp" not in claims  # signed userinfo has the same typ and no end
    ):
        raise InvalidRequest("id_token_hint is not an ID token of this issuer")
    return VerifiedHint(
        subject=subject,
        audience=tuple(name for name in names if isinstance(name, str)),
        session=session if isinstance(session, str) else None,
        ds_hash=ds_hash if isinstance(ds_hash, str) else None,
    )


def session_identifier(session_id: str, client_id: str) -> str:
    """Return ``sid``: the session as one client sees it (OpenID Connect Back-Channel Logout §2.1).

    Two clients cannot tell that theirs is the same session, which pairwise subjects would be
    undone by: ``session_id`` is random and no client learns it.
    """
    made = hashlib.sha256(f"sid\0{client_id}\0{session_id}".encode()).digest()
    return urlsafe_b64encode(made[:16]).rstrip(b"=").decode()


def token_answer(tokens: Mapping[str, Any], token: AccessToken) -> dict[str, Any]:
    """Return the answer of the token endpoint (RFC 6749 §5.1). ``tokens`` are named as it says."""
    return {
        **tokens,
        "token_type": token_type(token.confirmation),
        "expires_in": token.lifetime,
        **({"scope": " ".join(token.scope)} if token.scope else {}),
        **({"authorization_details": token.details} if token.details else {}),
    }


def token_type(bound: Confirmation | None) -> str:
    """Return DPoP for a token that is bound to a DPoP key, else Bearer (RFC 9449 §5)."""
    return "DPoP" if bound is not None and bound.jkt is not None else "Bearer"


def _subject(subject: str) -> str:
    if not subject.isascii() or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ValueError("a subject has 1 to 255 ASCII characters")
    return subject
