"""Who approved, as the activation in an access token says: a hash to compare people by."""

from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any

import msgspec


def approval_hash(activation: str) -> str:
    """Return what tells one approval from another, and opens nothing."""
    return sha256(b"symbolon approval\0" + activation.encode()).hexdigest()


def signer_hash(activation: str) -> str:
    """Return a hash of whom the activation names, or nothing where it names nobody.

    People are named by long random texts, each for one client alone: the hash leads back to nobody.
    The signature is for the key service to judge, which signs for nobody else.
    """
    try:
        payload = activation.split(".")[1]
        claims: Any = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["subject"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return ""
    if not isinstance(subject, str) or not subject:
        return ""
    return person_hash(subject)


def person_hash(subject: str) -> str:
    """Return the hash of a person as the signing service knows them for one client."""
    return sha256(b"symbolon signer\0" + subject.encode()).hexdigest()
