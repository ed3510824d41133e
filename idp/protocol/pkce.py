"""Proof Key for Code Exchange (RFC 7636), with the method S256 only (RFC 9700 §2.1.1)."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from idp.protocol.errors import InvalidGrant, InvalidRequest

METHODS = ("S256",)

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z", re.ASCII)


def check_challenge(challenge: str, method: str | None) -> None:
    """Raise InvalidRequest unless ``challenge`` is one of S256 (RFC 7636 §4.2, §4.3, §4.4.1)."""
    if method not in METHODS:  # absent means plain, which shows the verifier to whoever looks
        raise InvalidRequest("code_challenge_method must be S256")
    if not _CHALLENGE.match(challenge):
        raise InvalidRequest("code_challenge must be 43 characters of base64url")


def check_verifier(verifier: str | None, challenge: str | None) -> None:
    """Raise InvalidGrant unless ``verifier`` belongs to ``challenge`` (RFC 7636 §4.6).

    A verifier without a challenge is refused too: somebody took the challenge out of the request
    (PKCE downgrade, RFC 9700 §4.8.2).
    """
    if challenge is None:
        if verifier is not None:
            raise InvalidGrant("code_verifier without a code_challenge in the request")
        return
    if verifier is None:
        raise InvalidGrant("code_verifier is missing")
    if not _VERIFIER.match(verifier):
        raise InvalidGrant("code_verifier must be 43 to 128 unreserved characters")
    computed = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())[:43]
    if not hmac.compare_digest(computed, challenge.encode()):
        raise InvalidGrant("code_verifier does not match")
