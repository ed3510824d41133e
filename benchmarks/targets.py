"""A provider that is measured: where it listens, who its clients are, which processes it is."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy

CALLBACK = "https://rp.example/cb"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CODE = "123456"
"""The one-time code that the web process of the benchmark always makes."""


def base64url(octets: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Paths:
    """The addresses of a provider's endpoints."""

    authorize: str
    token: str
    userinfo: str
    introspect: str
    jwks: str
    discovery: str = "/.well-known/openid-configuration"


@dataclass(slots=True)
class KeyClient:
    """A client with private_key_jwt. Assertions are signed before they are needed."""

    client_id: str
    audience: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    _ready: list[str] = field(default_factory=list)

    def jwk(self) -> dict[str, str]:
        """Return the public key (RFC 7517)."""
        numbers = self.key.public_key().public_numbers()
        x, y = (base64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": "c",
            "x": x,
            "y": y,
        }

    def sign_ahead(self, count: int) -> None:
        """Have ``count`` fresh assertions that were not used yet."""
        self._ready = [self._signed() for _ in range(count)]

    def form(self, **fields: str) -> bytes:
        """Return a form of this client with an assertion of its own."""
        assertion = self._ready.pop() if self._ready else self._signed()
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return urlencode({**fields, "client_id": self.client_id, **proof}).encode()

    def _signed(self) -> str:
        now = SystemClock().now()
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": SystemEntropy().token(16),
            "iat": now,
            "exp": now + 240,
        }
        parts = ({"alg": "ES256", "kid": "c"}, claims)
        text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        signature = self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{text}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass(frozen=True, slots=True)
class SecretClient:
    """A client with client_secret_basic: a resource server that asks about tokens."""

    client_id: str
    secret: str

    @property
    def header(self) -> str:
        """Return the Authorization header."""
        pair = f"{self.client_id}:{self.secret}".encode()
        return f"Authorization: Basic {base64.b64encode(pair).decode()}"


async def _at_once() -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A provider that runs. ``settle`` waits until work that outlives its request is done.

    ``processes`` are counted, ``databases`` are counted apart; ``names`` are whom to log in as.
    """

    name: str
    port: int
    issuer: str
    paths: Paths
    processes: dict[str, int]
    databases: dict[str, int]
    key_client: KeyClient
    secret_client: SecretClient
    names: tuple[str, ...]
    settle: Callable[[], Awaitable[None]] = _at_once
    started_in: float = 0.0
    """Seconds from starting the web process to its first good answer."""

    @property
    def host(self) -> str:
        """Return the Host header."""
        return f"127.0.0.1:{self.port}"
