"""The public keys of clients: ``jwks`` as registered, or fetched from ``jwks_uri``.

What is at a ``jwks_uri`` is kept for a while; an unknown ``kid`` has it fetched again, not more
often than each ``AGAIN`` seconds; while it cannot be fetched the last good keys go on serving.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.outbound import FetchFailed
from idp.protocol.errors import InvalidClient, TemporarilyUnavailable
from keystore.jose.jwk import JwkSet, KeyRefused, parse_set

KEPT = 300.0
"""Seconds after which a ``jwks_uri`` is fetched again."""

AGAIN = 10.0
"""Seconds at least between two fetches of one ``jwks_uri``."""

MOST_SETS = 2_000

Fetch = Callable[[str], Awaitable[object]]
"""Return the JSON document at an address, or raise FetchFailed: ``Fetcher.get_json``."""

_log = logging.getLogger("symbolon.clients")


class KeyHolder(Protocol):
    """Whose keys are wanted: a Client is one."""

    @property
    def jwks(self) -> bytes | None: ...

    @property
    def jwks_uri(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: JwkSet
    at: float


class ClientKeys:
    """Key sets of clients, parsed once."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._registered: Cache[bytes, JwkSet] = Cache(clock, entries=MOST_SETS, seconds=3600)
        self._tried: Cache[str, None] = Cache(clock, entries=MOST_SETS, seconds=AGAIN)
        self._fetched: dict[str, _Fetched] = {}

    async def of(self, client: KeyHolder, alg: str, kid: str | None) -> JwkSet:
        """Return the client's keys, or raise InvalidClient when it has none.

        ``alg`` and ``kid`` say which key is wanted: when it is not there, they may be fetched anew.
        """
        return await self.holding(client, lambda keys: keys.find(alg, kid) is not None)

    async def holding(self, client: KeyHolder, suits: Callable[[JwkSet], bool]) -> JwkSet:
        """Return the client's keys, or raise InvalidClient when it has none.

        ``suits`` says whether what is wanted is there: if not, they may be fetched anew.
        """
        if client.jwks is not None:
            return await self._registered.get(client.jwks, lambda: _parsed(client.jwks or b""))
        if client.jwks_uri is None:
            raise InvalidClient("the client has no keys")
        uri = client.jwks_uri
        held = self._fetched.get(uri)
        if held is None or self._is_stale(held) or not suits(held.keys):
            await self._tried.get(uri, lambda: self._refresh(uri))
            held = self._fetched.get(uri)
        if held is None:
            raise TemporarilyUnavailable("the keys at jwks_uri cannot be fetched")
        return held.keys

    def _is_stale(self, held: _Fetched) -> bool:
        return self._clock.elapsed() - held.at > KEPT

    async def _refresh(self, uri: str) -> None:
        try:
            keys = parse_set(msgspec.json.encode(await self._fetch(uri)))
        except (FetchFailed, KeyRefused) as reason:
            _log.warning("the keys at a jwks_uri cannot be used: %s", reason)
            return
        if uri not in self._fetched and len(self._fetched) >= MOST_SETS:
            del self._fetched[next(iter(self._fetched))]
        self._fetched[uri] = _Fetched(keys, self._clock.elapsed())


async def _parsed(jwks: bytes) -> JwkSet:
    try:
        return parse_set(jwks)
    except KeyRefused as reason:
        raise InvalidClient("the registered keys cannot be used", detail=str(reason)) from reason
