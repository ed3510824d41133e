"""The key service as a process: opens its sockets, keeps its keys moving, drains when told to."""

import asyncio
import contextlib
import ctypes
import logging
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from keystore.administration import KeyAdministration, Policies
from keystore.backends.registry import Backends
from keystore.batches import Batches
from keystore.door import KeyServiceUnavailable
from keystore.keyring import KeyRing
from keystore.purposes import Role
from keystore.service.desk import Desk
from keystore.service.document_desk import DocumentDesk
from keystore.service.server import Access, Listener
from keystore.stores.interfaces import KeyRecords

_LOG = logging.getLogger(__name__)
_PR_SET_DUMPABLE = 4
_TALLY = 60.0
"""Seconds of use that one row of the tally stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyService:
    """What the key service stands on. ``issuers`` names the algorithms of each issuer."""

    records: KeyRecords
    backends: Backends
    policies: Policies
    clock: Clock
    issuers: Mapping[str, Iterable[str]]
    sockets: Path
    access: Mapping[Role, Access]
    every: float = 5.0
    """Seconds between two looks at what is due: moves, uses to write, keys changed elsewhere."""
    documents: Callable[[KeyRing, KeyAdministration], DocumentDesk] | None = None
    """What signs documents on a ring; None where this deployment signs none."""
    patience: float = 2.0
    """Seconds in which requests that were asked before a stop are still answered."""

    async def serve(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until ``stop``; call ``ready`` when every socket listens.

        A database or token that is down at the start is tried again; meanwhile every request is
        answered that the service is unavailable.
        """
        ring = KeyRing(self.records, Batches(self.backends), self.clock)
        keys = KeyAdministration(ring, self.records, self.backends, self.policies, self.clock)
        documents = self.documents(ring, keys) if self.documents else None
        listeners = [
            Listener(socket_path(self.sockets, role), access, Desk(role, ring, keys, documents))
            for role, access in self.access.items()
        ]
        for listener in listeners:
            ring.on_change(listener.announce)
        upkeep = _Upkeep(ring, keys, self.issuers, self.clock, documents)
        await upkeep.once()
        log = asyncio.create_task(documents.keep_log(stop)) if documents else None
        try:
            for listener in listeners:
                await listener.open()
            ready()
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.every)
                await upkeep.once()
        finally:
            await asyncio.gather(*(listener.close(self.patience) for listener in listeners))
            await upkeep.last()
            if log is not None:
                stop.set()
                await log
            await self.backends.close()


class _Upkeep:
    def __init__(
        self,
        ring: KeyRing,
        keys: KeyAdministration,
        issuers: Mapping[str, Iterable[str]],
        clock: Clock,
        documents: DocumentDesk | None,
    ) -> None:
        self._documents = documents
        self._ring = ring
        self._keys = keys
        self._issuers = issuers
        self._clock = clock
        self._ensured = False
        self._flushed = clock.elapsed()

    async def once(self) -> None:
        """Do what is due; what fails is tried again next time."""
        try:
            if not self._ensured:
                await self._ring.refresh()
                await self._keys.wake()
                await self._keys.ensure(
                    self._issuers, self._documents.rings if self._documents else ()
                )
                self._ensured = True
            await self._keys.advance()
            if self._documents is not None:
                await self._documents.keep()
            if self._clock.elapsed() >= self._flushed + _TALLY:
                self._flushed = self._clock.elapsed()
                await self._ring.flush()
        except (DatabaseUnavailable, KeyServiceUnavailable) as reason:
            _LOG.warning("keys cannot be kept up to date now: %s", reason)
        except Exception:  # keys that are in use go on signing
            _LOG.exception("keys cannot be kept up to date now")

    async def last(self) -> None:
        """Write the uses that were not written yet."""
        try:
            await self._ring.flush()
        except DatabaseUnavailable as reason:
            _LOG.warning("the last uses of keys were not recorded: %s", reason)


def socket_path(directory: Path, role: Role) -> Path:
    """Return where the socket of ``role`` is."""
    return directory / f"{role}.sock"


async def run(service: KeyService, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, as a process of which nobody can take an image."""
    undumpable()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await service.serve(stop, ready)


def undumpable() -> None:
    """Forbid core dumps and ptrace by others of the same uid (prctl(2), PR_SET_DUMPABLE)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")
