"""Base64url without padding (RFC 7515 §2), canonical in both directions."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*\Z")


def encode(raw: bytes) -> bytes:
    """Return ``raw`` as base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def decode(text: str) -> bytes:
    """Return the octets of ``text``, or raise ValueError unless ``encode`` gives ``text`` again."""
    if not _ALPHABET.match(text):
        raise ValueError("not base64url")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw).decode() != text:  # loose last bits would give one token two spellings
        raise ValueError("not canonical base64url")
    return raw
