"""What the protected headers of our JAdES and JWS signatures have in common."""

import hashlib
from base64 import b64encode
from typing import Any

import msgspec

from keystore.jose import base64url
from keystore.signing.structures.structure import Ground
from keystore.signing.structures.texts import check_media_type


def signer(ground: Ground) -> dict[str, Any]:
    """Return algorithm, signing time and certificate (ETSI TS 119 182-1 §5.1.7, §5.1.8, §5.1.11).

    The time is ``iat``; ``sigT`` is forbidden for new signatures since July 2025.
    """
    digest = hashlib.sha256(ground.certificate).digest()
    chain = (ground.certificate, *ground.chain)
    return {
        "alg": ground.alg,
        "iat": ground.now,
        "x5t#S256": base64url.encode(digest).decode(),
        "x5c": [b64encode(one).decode() for one in chain],
    }


def content_type(media_type: str) -> str:
    """Return ``media_type`` as ``cty`` has it, without ``application/`` (RFC 7515 §4.1.10)."""
    short = check_media_type(media_type).removeprefix("application/")
    return media_type if "/" in short else short


def encoded(header: dict[str, Any]) -> bytes:
    """Return the header as base64url of its JSON."""
    return base64url.encode(msgspec.json.encode(header))
