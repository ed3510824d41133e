"""Clients of the benchmarks, and what they sign: assertions and proofs, made ahead.

Signing is the generator's work. Nothing of it may run while a slice is measured.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def base64url(octets: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Client(Protocol):
    """Whoever asks a machine endpoint: what it puts into the form and into the headers."""

    @property
    def client_id(self) -> str: ...

    def form(self, **fields: str) -> bytes:
        """Return the form of one request."""
        ...

    def headers(self) -> tuple[str, ...]:
        """Return the headers of one request."""
        ...

    def bearer(self, token: str, address: str) -> tuple[str, ...]:
        """Return the headers that present ``token`` at the resource ``address`` with a GET."""
        ...


@dataclass(slots=True)
class Signer:
    """A P-256 key that signs ES256."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def jwk(self) -> dict[str, str]:
        """Return the public key (RFC 7517)."""
        numbers = self.key.public_key().public_numbers()
        x, y = (base64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Return a JWS in compact form (RFC 7515)."""
        parts = ({"alg": "ES256", **header}, claims)
        text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        signature = self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{text}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass(slots=True)
class KeyClient:
    """A client with private_key_jwt; with ``proves`` also with DPoP, at the address ``proves``."""

    client_id: str
    audience: str
    proves: str = ""
    _signer: Signer = field(default_factory=Signer)
    _prover: Signer = field(default_factory=Signer)
    _assertions: list[str] = field(default_factory=list)
    _proofs: list[str] = field(default_factory=list)

    def jwk(self) -> dict[str, str]:
        """Return the public key that its assertions are verified with."""
        return {**self._signer.jwk(), "alg": "ES256", "use": "sig", "kid": "c"}

    def sign_ahead(self, count: int) -> None:
        """Have ``count`` fresh assertions, and as many proofs, that were not used yet."""
        self._assertions = [self._assertion() for _ in range(count)]
        self._proofs = [self._proof() for _ in range(count if self.proves else 0)]

    def form(self, **fields: str) -> bytes:
        """Return a form of this client with an assertion of its own."""
        assertion = self._assertions.pop() if self._assertions else self._assertion()
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return urlencode({**fields, "client_id": self.client_id, **proof}).encode()

    def headers(self) -> tuple[str, ...]:
        """Return a proof of its own where the client proves a key (RFC 9449 §4)."""
        if not self.proves:
            return ()
        return (f"DPoP: {self._proofs.pop() if self._proofs else self._proof()}",)

    def bearer(self, token: str, address: str) -> tuple[str, ...]:
        """Return the headers that present ``token`` at the resource ``address`` with a GET."""
        if not self.proves:
            return (f"Authorization: Bearer {token}",)
        proof = self._proof("GET", address, ath=base64url(sha256(token.encode()).digest()))
        return (f"Authorization: DPoP {token}", f"DPoP: {proof}")

    def _assertion(self) -> str:
        now = SystemClock().now()
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": SystemEntropy().token(16),
            "iat": now,
            "exp": now + 240,
        }
        return self._signer.signed({"kid": "c"}, claims)

    def _proof(self, method: str = "POST", address: str = "", **more: str) -> str:
        now, address = SystemClock().now(), address or self.proves
        claims = {"jti": SystemEntropy().token(16), "htm": method, "htu": address, "iat": now}
        header = {"typ": "dpop+jwt", "jwk": self._prover.jwk()}
        return self._prover.signed(header, {**claims, **more})


@dataclass(frozen=True, slots=True)
class SecretClient:
    """A client with client_secret_basic, which is a resource server too."""

    client_id: str
    secret: str

    def form(self, **fields: str) -> bytes:
        """Return a form of this client."""
        return urlencode(fields).encode()

    def headers(self) -> tuple[str, ...]:
        """Return the Authorization header."""
        pair = f"{self.client_id}:{self.secret}".encode()
        return (f"Authorization: Basic {base64.b64encode(pair).decode()}",)

    def bearer(self, token: str, address: str) -> tuple[str, ...]:
        """Return the header that presents ``token``."""
        return (f"Authorization: Bearer {token}",)
