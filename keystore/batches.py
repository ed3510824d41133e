"""What waits together for one key is done together.

Requests of one turn of the event loop that need the same key become one call of its backend: one
hop to a thread or to a token's child for all of them. One deadline covers each call. A backend that
gains nothing by it is called for each request at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from keystore.backends.backend import DEADLINE, Backend, Sealing, UnknownKey
from keystore.backends.registry import Backends
from keystore.door import KeyServiceUnavailable
from keystore.rotation import KeyVersion

_MOST = 64
"""Items in one call: so many RSA signatures keep a thread for about 20 ms."""

_Call = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class Batches:
    """Calls to backends, gathered per key and verb."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._gathered: dict[tuple[str, str], _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def sign(self, key: KeyVersion, messages: Sequence[bytes]) -> list[bytes]:
        """Return the JWS signature of each message."""
        backend = self._backends.of(key.ref)
        call = partial(backend.sign, key.ref, key.algorithm)
        made: list[bytes] = await self._made(backend, ("sign", key.ref), call, messages)
        return made

    async def mac(self, key: KeyVersion, messages: Sequence[bytes]) -> list[bytes]:
        """Return the keyed hash of each message."""
        backend = self._backends.of(key.ref)
        call = partial(backend.mac, key.ref)
        made: list[bytes] = await self._made(backend, ("mac", key.ref), call, messages)
        return made

    async def encrypt(self, key: KeyVersion, text: Sealing) -> bytes:
        """Return nonce, ciphertext and tag."""
        backend = self._backends.of(key.ref)
        call = partial(backend.encrypt, key.ref)
        made: list[bytes] = await self._made(backend, ("encrypt", key.ref), call, (text,))
        return made[0]

    async def decrypt(self, key: KeyVersion, text: Sealing) -> bytes | None:
        """Return the plaintext, or None if it was altered or is bound to something else."""
        backend = self._backends.of(key.ref)
        call = partial(backend.decrypt, key.ref)
        made: list[bytes | None] = await self._made(backend, ("decrypt", key.ref), call, (text,))
        return made[0]

    async def _made(
        self, backend: Backend, name: tuple[str, str], call: _Call, items: Sequence[Any]
    ) -> Any:
        if backend.gathers:
            return await self._join(name, call, items)
        try:
            return await call(items)
        except Exception as reason:
            raise _told(reason) from reason

    async def _join(self, name: tuple[str, str], call: _Call, items: Sequence[Any]) -> list[Any]:
        batch = self._gathered.get(name)
        if batch is None or batch.count + len(items) > _MOST:
            batch = self._gathered[name] = _Batch()
            # The task runs after everything that is ready now has had its chance to join.
            task = asyncio.get_running_loop().create_task(self._run(name, batch, call))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await batch.join(items)

    async def _run(self, name: tuple[str, str], batch: "_Batch", call: _Call) -> None:
        if self._gathered.get(name) is batch:
            del self._gathered[name]
        try:
            async with asyncio.timeout(DEADLINE):
                results = await call(batch.items())
        except Exception as reason:  # whatever a backend raises, those who wait are told
            batch.refuse(_told(reason))
        else:
            batch.answer(results)


class _Batch:
    """Who waits, and for how many results each."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[tuple[Sequence[Any], asyncio.Future[list[Any]]]] = []

    def join(self, items: Sequence[Any]) -> "asyncio.Future[list[Any]]":
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        self.count += len(items)
        return future

    def items(self) -> list[Any]:
        return [item for items, _ in self._waiting for item in items]

    def answer(self, results: Sequence[Any]) -> None:
        place = 0
        for items, future in self._waiting:
            mine = list(results[place : place + len(items)])
            place += len(items)
            if not future.done():  # who asked may have gone
                future.set_result(mine)

    def refuse(self, reason: Exception) -> None:
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(reason)


def _told(reason: Exception) -> Exception:
    if isinstance(reason, KeyServiceUnavailable):
        return reason
    if isinstance(reason, TimeoutError):
        return KeyServiceUnavailable("the token did not answer in time")
    if isinstance(reason, UnknownKey):
        return KeyServiceUnavailable(f"the token lost a key: {reason}")
    return KeyServiceUnavailable(f"the token failed: {type(reason).__name__}")
