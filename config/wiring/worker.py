"""The worker plugged together: messages leave, the audit is ordered, what expired is removed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from config.runtime.audit.sequencer import Sequencer, Sign
from config.runtime.clock import Clock
from config.runtime.database.unit import Database, DatabaseUnavailable, Write
from config.runtime.journal import DatabaseJournal
from config.runtime.outbox import DatabaseOutbox, Deliverer
from config.runtime.plugins import plugins
from config.runtime.relay import Relay
from config.settings import Lifetimes
from config.wiring.esignet_notices import webhook_deliverer
from config.wiring.world import World
from esignet.flows.notices import KIND as SIGNATURE_EVENTS
from esignet.stores.creation_keys import CreationKeys
from esignet.stores.csc_answers import CscAnswers
from esignet.stores.documents import Documents
from esignet.stores.history import Signatures
from esignet.stores.links import Links
from esignet.stores.requests import SignatureRequests
from esignet.stores.seals import SealedDocuments
from idp.flows.notices import KIND
from idp.flows.notifier import ClientNotifier
from idp.stores.challenges import Challenges
from idp.stores.codes import Codes
from idp.stores.consents import Consents
from idp.stores.decoupled import DecoupledRequests
from idp.stores.device_secrets import DeviceSecrets
from idp.stores.grants import Grants
from idp.stores.history import History
from idp.stores.logins import Logins
from idp.stores.pushed_requests import PushedRequests
from idp.stores.refresh_tokens import RefreshTokens
from idp.stores.sessions import Sessions
from idp.stores.used import Used
from keystore.door import Order, TokenKind

CLEAN_EVERY = 60.0
"""Seconds between two looks for what expired."""

MOST_REMOVED = 500
"""Rows that one unit looks for: nobody waits long for it, and the next follows at once."""

Prune = Callable[[int, int], Write | tuple[Write, ...]]

_log = logging.getLogger("symbolon.worker")


async def work(world: World, stop: asyncio.Event) -> None:
    """Do the worker's work until ``stop``, then finish what is in flight."""
    relay = Relay(world.database, deliverers(world), world.clock, world.entropy)
    sequencer = Sequencer(world.database, _signer(world), world.clock)
    cleaner = Cleaner(
        world.database, world.clock, expiring(world.database, world.settings.lifetimes)
    )
    async with asyncio.TaskGroup() as tasks:
        for part in (relay, sequencer, cleaner):
            tasks.create_task(part.run(stop))


def deliverers(world: World) -> dict[str, Deliverer]:
    """Return who delivers each kind of message."""
    settings = world.settings
    found: dict[str, Deliverer] = {
        KIND: ClientNotifier(world.door, world.fetcher),
        SIGNATURE_EVENTS: webhook_deliverer(world),
    }
    for module in plugins("idp.channels", settings.channels.enabled).values():
        kind = module.build(settings).kind
        found[kind] = module.build_deliverer(settings, world.door, world.clock)
    return found


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Removes what expired, batch by batch until nothing is left: as quickly as it comes in."""

    database: Database
    clock: Clock
    expiring: tuple[Prune, ...]

    async def run(self, stop: asyncio.Event) -> None:
        """Clean every now and then until ``stop``."""
        while not stop.is_set():
            try:
                await self.run_once(self.clock.now(), stop)
            except DatabaseUnavailable as failure:
                _log.warning("not cleaned: %s", failure)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CLEAN_EVERY)

    async def run_once(self, now: int, stop: asyncio.Event) -> None:
        """Remove everything that expired before ``now``, unless ``stop`` comes first."""
        for prune in self.expiring:
            writes = prune(now, MOST_REMOVED)
            for write in writes if isinstance(writes, tuple) else (writes,):
                while not stop.is_set():
                    if len(await self.database.take(write)) < _batch(write):
                        break


def expiring(database: Database, lifetimes: Lifetimes) -> tuple[Prune, ...]:
    """Return what leaves when its time has come; the audit and the proofs of erasures stay."""
    journal, outbox = DatabaseJournal(), DatabaseOutbox()
    return (
        Logins(database).prune,
        Challenges(database).prune,
        Codes(database).prune,
        PushedRequests.prune,
        DecoupledRequests(database).prune,
        DeviceSecrets(database).prune,
        Used().prune,
        RefreshTokens(database).prune,
        Grants(database).prune,
        Sessions.prune,
        Consents(database).prune,
        SignatureRequests(database).prune,
        Links(database).prune,
        CreationKeys.prune,
        CscAnswers(database).prune,
        Signatures.prune,
        Documents(database).prune,
        SealedDocuments.prune,
        lambda now, limit: History.prune(now - lifetimes.history, limit),
        lambda now, limit: journal.prune(now - lifetimes.fact, limit),
        lambda now, limit: outbox.prune(now - lifetimes.dead_letter, limit),
    )


def _batch(write: Write) -> int:
    """Return how many rows it looks for: fewer than were asked for where each of them is large."""
    limit = write.values["limit"]
    assert isinstance(limit, int)
    return limit


def _signer(world: World) -> Sign:
    """Return what signs checkpoints of the audit: a token of the first issuer."""
    issuer = world.settings.issuers[0]

    async def sign(text: bytes) -> bytes:
        claims = msgspec.json.encode({"iss": issuer.address, "checkpoint": text.decode()})
        order = Order(TokenKind.AUDIT_CHECKPOINT, issuer.signing_algs[0], claims)
        return (await world.door.sign(issuer.address, [order]))[0].encode()

    return sign
