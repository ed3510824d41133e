"""Compact JWS (RFC 7515 §7.1), assembled from its three parts."""

import msgspec

from keystore.door import TokenKind
from keystore.jose import base64url

TYP = {
    TokenKind.ID_TOKEN: "JWT",  # OpenID Connect Core 1.0 §2 asks none; RFC 7519 §5.1
    TokenKind.ACCESS_TOKEN: "at+jwt",  # RFC 9068 §2.1
    TokenKind.USERINFO: "JWT",
    TokenKind.LOGOUT_TOKEN: "logout+jwt",  # OpenID Connect Back-Channel Logout 1.0 §2.4
    TokenKind.AUDIT_CHECKPOINT: "audit-checkpoint+jwt",
    TokenKind.AUTHORIZATION_RESPONSE: "JWT",  # JARM §2.1 names none
    TokenKind.INTROSPECTION: "token-introspection+jwt",  # RFC 9701 §5
    TokenKind.SIGNATURE_EVENT: "secevent+jwt",  # RFC 8417 §2.3
    TokenKind.CLIENT_ASSERTION: "client-authentication+jwt",  # draft-ietf-oauth-rfc7523bis §4
}


def header(kind: TokenKind, alg: str, kid: str) -> bytes:
    """Return the encoded protected header and its dot; it is the same for every token of a key."""
    return own_header(TYP[kind], alg, kid)


def own_header(typ: str, alg: str, kid: str) -> bytes:
    """Return the same for a token that only the key service makes, by its ``typ``."""
    fields = {"alg": alg, "typ": typ, "kid": kid}
    return base64url.encode(msgspec.json.encode(fields)) + b"."


def signing_input(prepared_header: bytes, claims: bytes) -> bytes:
    """Return what is signed (RFC 7515 §5.1 step 5)."""
    return prepared_header + base64url.encode(claims)


def compact(signed: bytes, signature: bytes) -> str:
    """Return the token: signing input, dot, signature."""
    return (signed + b"." + base64url.encode(signature)).decode("ascii")
