"""The only place that rolls dice."""

import secrets
from base64 import urlsafe_b64encode
from typing import Protocol


class Entropy(Protocol):
    def bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        ...

    def token(self, count: int = 32) -> str:
        """Return ``count`` unpredictable bytes as base64url without padding: 43 signs for 32."""
        ...

    def digits(self, count: int) -> str:
        """Return ``count`` decimal digits, each equally likely."""
        ...


class SystemEntropy:
    """The operating system's random number generator."""

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def token(self, count: int = 32) -> str:
        return urlsafe_b64encode(self.bytes(count)).rstrip(b"=").decode()

    def digits(self, count: int) -> str:
        return f"{secrets.randbelow(10**count):0{count}d}"
