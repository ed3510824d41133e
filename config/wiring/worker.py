"""The worker plugged together: messages leave, the audit is ordered, what expired is removed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from config.runtime.audit.sequencer import Sequencer, Sign
from config.runtime.database.unit import DatabaseUnavailable, Write
from config.runtime.outbox import Deliverer
from config.runtime.plugins import plugins
from config.runtime.relay import Relay
from config.wiring.world import World
from idp.stores.challenges import Challenges
from idp.stores.codes import Codes
from idp.stores.consents import Consents
from idp.stores.grants import Grants
from idp.stores.history import History
from idp.stores.logins import Logins
from idp.stores.refresh_tokens import RefreshTokens
from idp.stores.sessions import Sessions
from idp.stores.used import Used
from keystore.door import Order, TokenKind

CLEAN_EVERY = 60.0
"""Seconds between two looks for what expired."""

MOST_REMOVED = 500
"""Rows of one kind that one unit removes at most: nobody waits long for it."""

Prune = Callable[[int, int], Write | tuple[Write, ...]]

_log = logging.getLogger("symbolon.worker")


async def work(world: World, stop: asyncio.Event) -> None:
    """Do the worker's work until ``stop``, then finish what is in flight."""
    relay = Relay(world.database, deliverers(world), world.clock, world.entropy)
    sequencer = Sequencer(world.database, _signer(world), world.clock)
    cleaner = Cleaner(world, _expiring(world))
    async with asyncio.TaskGroup() as tasks:
        for part in (relay, sequencer, cleaner):
            tasks.create_task(part.run(stop))


def deliverers(world: World) -> dict[str, Deliverer]:
    """Return who delivers each kind of message."""
    settings = world.settings
    found = {}
    for module in plugins("idp.channels", settings.channels.enabled).values():
        kind = module.build(settings).kind
        found[kind] = module.build_deliverer(settings, world.door, world.clock)
    return found


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Removes rows that expired, in batches, oldest stores first."""

    world: World
    expiring: tuple[Prune, ...]

    async def run(self, stop: asyncio.Event) -> None:
        """Clean every now and then until ``stop``."""
        while not stop.is_set():
            try:
                await self.run_once(self.world.clock.now())
            except DatabaseUnavailable as failure:
                _log.warning("not cleaned: %s", failure)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CLEAN_EVERY)

    async def run_once(self, now: int) -> None:
        """Remove one batch of everything that expired before ``now``."""
        for prune in self.expiring:
            writes = prune(now, MOST_REMOVED)
            for write in writes if isinstance(writes, tuple) else (writes,):
                await self.world.database.submit(write)


def _expiring(world: World) -> tuple[Prune, ...]:
    database = world.database
    return (
        Logins(database).prune,
        Challenges(database).prune,
        Codes(database).prune,
        Used().prune,
        RefreshTokens(database).prune,
        Grants(database).prune,
        Sessions(database).prune,
        Consents(database).prune,
        lambda now, limit: History(database).prune(now - world.settings.lifetimes.history, limit),
    )


def _signer(world: World) -> Sign:
    """Return what signs checkpoints of the audit: a token of the first issuer."""
    issuer = world.settings.issuers[0]

    async def sign(text: bytes) -> bytes:
        claims = msgspec.json.encode({"iss": issuer.address, "checkpoint": text.decode()})
        order = Order(TokenKind.AUDIT_CHECKPOINT, issuer.algorithms[0], claims)
        return (await world.door.sign(issuer.address, [order]))[0].encode()

    return sign
