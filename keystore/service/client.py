"""The door for another process: asks the key service over its role's socket."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from config.runtime.clock import Clock
from keystore.backends.backend import Algorithm
from keystore.door import (
    BadSeal,
    Door,
    KeyServiceUnavailable,
    Mac,
    MacPurpose,
    NotPermitted,
    Order,
    PublishedKey,
    SealPurpose,
)
from keystore.service import frames
from keystore.service.connection import Connection

FRESH = 5.0
"""Seconds for which published keys are taken from memory without asking; a change is announced."""
_NEVER = float("-inf")
_ADMINISTRATION = 60.0
_Expected = TypeVar("_Expected", frames.Signed, frames.Shown, frames.Macs, frames.Octets)


class KeyServiceClient(Door):
    """What a package may ask of the keys, over the socket at ``path``.

    ``deadline`` is in seconds, for each request as a whole: connecting and repeating included.
    """

    def __init__(self, path: Path, clock: Clock, *, deadline: float = 1.0) -> None:
        self._clock = clock
        self._connection = Connection(path, deadline, self._changed)
        self._published: dict[str, tuple[float, list[PublishedKey]]] = {}

    async def sign(self, issuer: str, orders: Sequence[Order]) -> list[str]:
        asked = [(order.kind, order.alg, order.claims) for order in orders]
        reply = await self._ask(lambda n: frames.Sign(n, issuer, asked), frames.Signed)
        return reply.tokens

    async def published(self, issuer: str) -> list[PublishedKey]:
        now = self._clock.elapsed()
        since, keys = self._published.get(issuer, (_NEVER, []))
        if keys and now < since + FRESH:
            return keys
        if keys:  # who asks meanwhile, and who asks while the service is down, is not kept waiting
            self._published[issuer] = now, keys
        try:
            reply = await self._ask(lambda n: frames.Published(n, issuer), frames.Shown)
        except KeyServiceUnavailable:
            if keys:
                return keys
            raise
        keys = [
            PublishedKey(kid=key.kid, alg=key.alg, state=key.state, jwk=key.jwk)
            for key in reply.keys
        ]
        self._published[issuer] = now, keys
        return keys

    async def mac(self, purpose: MacPurpose, message: bytes) -> tuple[Mac, ...]:
        reply = await self._ask(lambda n: frames.MakeMac(n, purpose, message), frames.Macs)
        return tuple(Mac(version, value) for version, value in reply.macs)

    async def seal(self, purpose: SealPurpose, plaintext: bytes, bound_to: bytes) -> bytes:
        reply = await self._ask(
            lambda n: frames.Seal(n, purpose, plaintext, bound_to), frames.Octets
        )
        return reply.value

    async def open(self, purpose: SealPurpose, sealed: bytes, bound_to: bytes) -> bytes:
        reply = await self._ask(lambda n: frames.Open(n, purpose, sealed, bound_to), frames.Octets)
        return reply.value

    async def health(self) -> None:
        """Return if the key service can use its keys, or raise KeyServiceUnavailable."""
        _expect(await self._connection.ask(frames.Health), frames.Done)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    def _changed(self) -> None:
        self._published = {issuer: (_NEVER, keys) for issuer, (_, keys) in self._published.items()}

    async def _ask(
        self, request: Callable[[int], frames.Request], expected: type[_Expected]
    ) -> _Expected:
        try:
            return _expect(await self._connection.ask(request), expected)
        except frames.BadFrame as reason:
            raise NotPermitted("longer than a frame") from reason


class KeyOperator:
    """What an operator asks, over the operator's socket. Nothing here is repeated by itself."""

    def __init__(self, path: Path) -> None:
        self._connection = Connection(path, 1.0, lambda: None)

    async def keys(self) -> list[frames.ListedKey]:
        """Return every version that was not destroyed."""
        return _expect(await self._connection.ask(frames.ListKeys), frames.Listed).keys

    async def rotate(
        self, ring: str, algorithm: Algorithm, *, emergency: bool = False
    ) -> frames.ListedKey:
        """Begin a new version of a key and return it; in an emergency it is active at once."""
        reply = await self._connection.ask(
            lambda n: frames.Rotate(n, ring, algorithm, emergency),
            repeats=0,
            deadline=_ADMINISTRATION,
        )
        return _expect(reply, frames.Listed).keys[0]

    async def advance(self) -> None:
        """Make the moves that are due now."""
        reply = await self._connection.ask(frames.Advance, deadline=_ADMINISTRATION)
        _expect(reply, frames.Done)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


_Kind = TypeVar("_Kind", bound=frames.Reply)


def _expect(reply: frames.Reply, expected: type[_Kind]) -> _Kind:
    if isinstance(reply, expected):
        return reply
    if isinstance(reply, frames.Refused):
        match reply.kind:
            case "not_permitted":
                raise NotPermitted(reply.reason)
            case "bad_seal":
                raise BadSeal(reply.reason)
        raise KeyServiceUnavailable(reply.reason)
    raise KeyServiceUnavailable("the key service answered something else")
