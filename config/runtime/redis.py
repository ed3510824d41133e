"""The door to Redis, which holds only what may be lost (R3).

Nothing is repeated: redis-py's own retries would do a command twice whose reply was lost.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from config.runtime.breaker import Breaker
from config.runtime.clock import Clock

_CONNECTIONS = 16
"""More at once wait for one of these, within the time that the call has."""


class RedisUnavailable(Exception):
    """Redis did not answer in time, or the breaker is open: do without it."""


class Script:
    """A Lua script, sent once and then called by its name."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """``url`` is ``redis://``, ``rediss://`` or ``unix://PATH``; ``seconds`` bounds each call."""

    def __init__(self, url: str, clock: Clock, seconds: float = 0.15) -> None:
        self._seconds = seconds
        self._breaker = Breaker(clock)
        self._client = Client.from_pool(
            BlockingConnectionPool.from_url(
                url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=seconds,
                socket_connect_timeout=seconds,
                max_connections=_CONNECTIONS,
                timeout=seconds,
            )
        )

    async def run(self, script: Script, keys: Sequence[str], values: Sequence[int]) -> Any:
        """Run ``script`` on ``keys``, atomically, and return what it returns.

        Raises RedisUnavailable at once while the breaker is open.
        """
        if not self._breaker.allows():
            raise RedisUnavailable("breaker open")
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._evaluate(script, keys, values)
        except (RedisError, OSError, TimeoutError) as fault:
            self._breaker.failed()
            raise RedisUnavailable(type(fault).__name__) from None
        self._breaker.succeeded()
        return answer

    async def check(self) -> str | None:
        """Return why Redis cannot be used now, or None: for `Health`."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._client.ping()
        except (RedisError, OSError, TimeoutError) as fault:
            return type(fault).__name__
        return None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _evaluate(self, script: Script, keys: Sequence[str], values: Sequence[int]) -> Any:
        arguments: tuple[str | int, ...] = (*keys, *values)
        try:
            return await self._client.evalsha(script.digest, len(keys), *arguments)
        except NoScriptError:  # nothing ran: sending the text is no repetition
            return await self._client.eval(script.text, len(keys), *arguments)
