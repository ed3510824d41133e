"""A provider that is measured: where it listens, who its clients are, which processes it is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clients import KeyClient, SecretClient

CALLBACK = "https://rp.example/cb"
CODE = "123456"
"""The one-time code that the web process of the benchmark always makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The addresses of a provider's endpoints."""

    authorize: str = "/authorize"
    token: str = "/token"
    userinfo: str = "/userinfo"
    introspect: str = "/introspect"
    jwks: str = "/jwks"
    push: str = "/par"
    backchannel: str = "/bc-authorize"
    discovery: str = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """``key`` has private_key_jwt, ``proof`` DPoP besides, ``secret`` client_secret_basic."""

    key: KeyClient
    proof: KeyClient
    secret: SecretClient

    @classmethod
    def of(cls, issuer: str, token: str, secret: SecretClient) -> "Clients":
        """Return clients of ``issuer``, whose token endpoint is ``token``."""
        return cls(
            key=KeyClient("benchmark", issuer),
            proof=KeyClient("proving", issuer, proves=token),
            secret=secret,
        )

    async def sign_ahead(self, count: int) -> None:
        """Have signed what ``count`` requests need, whoever sends them."""
        self.key.sign_ahead(count)
        self.proof.sign_ahead(count)


async def _at_once() -> None:
    await asyncio.sleep(0)


async def _nothing_ahead(_: int) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A provider that runs. ``settle`` waits until work that outlives its request is done,
    ``sign_ahead`` has signed what so many requests need.

    ``processes`` are counted, ``databases`` are counted apart; ``names`` are whom to log in as.
    ``samples`` are the files in which its processes tell where their time went (``where``), by
    their names.
    """

    name: str
    port: int
    issuer: str
    paths: Paths
    processes: dict[str, int]
    databases: dict[str, int]
    clients: Clients
    names: tuple[str, ...]
    settle: Callable[[], Awaitable[None]] = _at_once
    sign_ahead: Callable[[int], Awaitable[None]] = _nothing_ahead
    samples: Mapping[str, Path] = field(default_factory=dict)
    started_in: float = 0.0
    """Seconds from starting the web process to its first good answer."""

    @property
    def host(self) -> str:
        """Return the Host header."""
        return f"127.0.0.1:{self.port}"
