"""PIN hashes (argon2id, RFC 9106) in threads of their own: so many at once, so many waiting.

The number of threads bounds the memory as well: each hash takes what the settings say.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret, verify_secret

from config.runtime.entropy import Entropy
from config.settings import Pin as PinSettings
from idp.factors.factor import Busy

WAITING_PER_THREAD = 32
"""Hashes that may wait for each thread; beyond, Busy."""

MOST_MEMORY = 262_144
MOST_ROUNDS = 16
MOST_LANES = 8
"""What an imported hash may ask for (memory in KiB), checked before anything is computed."""

_LANES = 1
_SALT_BYTES = 16
_HASH_BYTES = 32
_ENCODED = re.compile(
    rb"\$argon2id\$v=(?P<version>\d{1,3})\$m=(?P<memory>\d{1,8}),t=(?P<rounds>\d{1,3})"
    rb",p=(?P<lanes>\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}"
)

Result = TypeVar("Result")


class Hasher:
    """Makes and verifies encoded argon2id hashes off the event loop."""

    def __init__(self, settings: PinSettings, entropy: Entropy) -> None:
        self._settings = settings
        self._entropy = entropy
        self._threads = ThreadPoolExecutor(settings.concurrent, thread_name_prefix="argon2")
        self._most = settings.concurrent * (1 + WAITING_PER_THREAD)
        self._pending = 0
        self._decoy = self._nobodys()

    async def hash(self, pin: str) -> bytes:
        """Return the encoded hash of ``pin`` with the parameters of the settings. Raises Busy."""
        salt = self._entropy.bytes(_SALT_BYTES)
        settings = self._settings
        return await self._run(
            lambda: hash_secret(
                pin.encode(),
                salt,
                time_cost=settings.rounds,
                memory_cost=settings.memory,
                parallelism=_LANES,
                hash_len=_HASH_BYTES,
                type=Type.ID,
            )
        )

    async def verify(self, encoded: bytes | None, pin: str) -> bool:
        """Return whether ``encoded`` is of ``pin``; None costs the same. Raises Busy."""
        usable = encoded if encoded is not None and _bounded(encoded) else None
        matches = await self._run(lambda: _verify(usable or self._decoy, pin))
        return matches and usable is not None

    def outdated(self, encoded: bytes) -> bool:
        """Return whether ``encoded`` was made with other parameters than those of the settings."""
        mine = b"$argon2id$v=%d$m=%d,t=%d,p=%d$" % (
            ARGON2_VERSION,
            self._settings.memory,
            self._settings.rounds,
            _LANES,
        )
        return not encoded.startswith(mine)

    @property
    def full(self) -> bool:
        """Return whether the next call would raise Busy."""
        return self._pending >= self._most

    def close(self) -> None:
        """Let the threads end when they have finished what waits."""
        self._threads.shutdown(wait=False)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self.full:
            raise Busy
        self._pending += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(self._done)
        # Whoever stops waiting does not free the thread: it counts until it is done.
        return await asyncio.shield(running)

    def _done(self, running: "asyncio.Future[Result]") -> None:
        self._pending -= 1
        if not running.cancelled():
            running.exception()  # nobody may be waiting for it any more

    def _nobodys(self) -> bytes:
        """Return a hash of no PIN, which costs as much to compare with as a new one."""
        salt, tag = (
            b64encode(self._entropy.bytes(count)).rstrip(b"=")
            for count in (_SALT_BYTES, _HASH_BYTES)
        )
        parameters = (self._settings.memory, self._settings.rounds, _LANES)
        costs = b"m=%d,t=%d,p=%d" % parameters
        return b"$argon2id$v=%d$" % ARGON2_VERSION + b"$".join((costs, salt, tag))


def _bounded(encoded: bytes) -> bool:
    parts = _ENCODED.fullmatch(encoded)
    if parts is None or int(parts["lanes"]) > MOST_LANES:
        return False
    return int(parts["memory"]) <= MOST_MEMORY and int(parts["rounds"]) <= MOST_ROUNDS


def _verify(encoded: bytes, pin: str) -> bool:
    try:
        return verify_secret(encoded, pin.encode(), Type.ID)
    except (VerificationError, InvalidHashError):
        return False
