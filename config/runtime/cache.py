"""A bounded cache in this process: entries age, the least used leave first, one call per key."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from config.runtime.clock import Clock

Key = TypeVar("Key", bound=Hashable)
Held = TypeVar("Held")


class Cache(Generic[Key, Held]):
    """At most ``entries`` values, each for ``seconds``; a value that failed to load is not kept.

    A key must name everything on which the value depends (the issuer as well as the client): what
    two questions share, they share the answer of.
    """

    def __init__(self, clock: Clock, *, entries: int, seconds: float) -> None:
        self._clock = clock
        self._entries = entries
        self._seconds = seconds
        self._held: OrderedDict[Key, tuple[float, Held]] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Held]] = {}

    def __len__(self) -> int:
        return len(self._held)

    async def get(self, key: Key, load: Callable[[], Awaitable[Held]]) -> Held:
        """Return the value of ``key``; ``load`` it when there is none or it is too old.

        Whoever asks for the same key meanwhile waits for the same loading (and shares its error);
        somebody who stops waiting does not stop it for the others.
        """
        entry = self._held.get(key)
        if entry is not None:
            if entry[0] > self._clock.elapsed():
                self._held.move_to_end(key)
                return entry[1]
            del self._held[key]
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.ensure_future(self._load(key, load))
            self._loading[key] = loading
            loading.add_done_callback(lambda done: self._loaded(key, done))
        return await asyncio.shield(loading)

    def forget(self, key: Key) -> None:
        """Drop ``key``, also from a loading that began before: its answer may be the old one."""
        self._held.pop(key, None)
        self._loading.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        self._held.clear()
        self._loading.clear()

    async def _load(self, key: Key, load: Callable[[], Awaitable[Held]]) -> Held:
        return await load()

    def _loaded(self, key: Key, done: "asyncio.Task[Held]") -> None:
        failed = done.cancelled() or done.exception() is not None
        if self._loading.get(key) is not done:
            return  # forgotten meanwhile
        del self._loading[key]
        if failed:
            return
        self._held[key] = (self._clock.elapsed() + self._seconds, done.result())
        if len(self._held) > self._entries:
            self._held.popitem(last=False)
