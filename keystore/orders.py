"""What may be signed as a token: a JSON object of whoever may issue it, and nothing else."""

import json

import msgspec

from keystore.door import SIGNING_CLIENT, NotPermitted, TokenKind

MOST_CLAIMS = 64 * 1024
"""Octets of claims that one token may carry."""


class _Issued(msgspec.Struct):
    iss: str


_ISSUED = msgspec.json.Decoder(_Issued)


def claims_of(issuer: str, claims: bytes, kind: TokenKind = TokenKind.ID_TOKEN) -> bytes:
    """Return ``claims`` if they are a JSON object that ``issuer`` issues, or raise NotPermitted.

    So no finished document, digest or header can ever be signed by a token key. What the signing
    service proves itself with is issued by itself (RFC 7523 §3), and by no issuer.
    """
    if len(claims) > MOST_CLAIMS:
        raise NotPermitted("claims are longer than 64 KiB")
    try:
        if not _may_issue(_ISSUED.decode(claims).iss, kind, issuer):
            raise NotPermitted("iss is not the issuer whose key was asked for")
        claims.decode("utf-8")
        # One "iss" and no escapes: there is no second spelling that another reader could prefer.
        if claims.count(b'"iss"') != 1 or b"\\u" in claims:
            json.loads(claims, object_pairs_hook=_unique)
    except (msgspec.DecodeError, ValueError, RecursionError) as reason:
        raise NotPermitted("claims are not one JSON object with an iss") from reason
    return claims


def _may_issue(named: str, kind: TokenKind, issuer: str) -> bool:
    if kind is TokenKind.CLIENT_ASSERTION:
        return named.startswith(SIGNING_CLIENT)
    return named == issuer


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name appears twice")
    return members
