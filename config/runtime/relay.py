"""The relay: takes waiting messages out of the outbox and delivers them, at least once.

Any number of relays may run side by side. A message is leased: whoever took it has it until the
lease ends, so that a relay that dies costs a delay and loses nothing. Within a key the next message
waits for the one before it; a message that keeps failing is put aside and blocks only its own key
until then.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, exists, select, update

from config.runtime.clock import Clock
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import (
    Database,
    DatabaseUnavailable,
    Refused,
    Row,
    Statement,
    Write,
)
from config.runtime.entropy import Entropy
from config.runtime.outbox import Deliverer, DeliveryFailed, Message, dead_letters, outbox

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How patient a relay is. Times are seconds."""

    at_once: int = 32
    """Deliveries in flight at most."""
    deadline: float = 20.0
    """How long one delivery may take."""
    lease: int = 60
    """How long a taken message is left to its relay; longer than ``deadline``."""
    attempts: int = 12
    """After how many failures a message is put aside."""
    first_delay: int = 2
    """The wait after the first failure; it doubles with each."""
    longest_delay: int = 600
    """The longest wait between two attempts."""
    interval: float = 0.2
    """The wait between two looks into an empty outbox."""


_earlier = outbox.alias("earlier")
_due = (
    select(outbox.c.number)
    .where(
        outbox.c.due_at <= bindparam("now"),
        ~exists().where(_earlier.c.key == outbox.c.key, _earlier.c.number < outbox.c.number),
    )
    # By due time, so that what is tried again and again stands behind what is new.
    .order_by(outbox.c.due_at, outbox.c.number)
    .limit(bindparam("most"))
    # SQLite has one writer and leaves this clause out.
    .with_for_update(skip_locked=True, of=outbox)
    .cte("due")
)
_LEASE = Statement(
    update(outbox)
    .where(outbox.c.number.in_(select(_due.c.number)))
    .values(due_at=bindparam("until"), attempts=outbox.c.attempts + 1)
    .returning(*outbox.columns)
)
# Every lease counts ``attempts`` up: the number and the count together name one lease.
_still_leased = (
    outbox.c.number == bindparam("which"),
    outbox.c.attempts == bindparam("lease"),
)
_ARRIVED = Statement(delete(outbox).where(*_still_leased))
_AGAIN = Statement(update(outbox).where(*_still_leased).values(due_at=bindparam("due")))
_DEAD = insert_new(dead_letters)


@dataclass(frozen=True, slots=True)
class _Leased:
    number: int
    attempts: int
    message: Message

    @classmethod
    def of(cls, row: Row) -> "_Leased":
        message = Message(
            id=row["id"],
            kind=row["kind"],
            key=row["key"],
            body=row["body"],
            at=row["at"],
            expires_at=row["expires_at"],
        )
        return cls(row["number"], row["attempts"], message)


class Relay:
    """Delivers what waits, through one deliverer per kind."""

    def __init__(
        self,
        database: Database,
        deliverers: Mapping[str, Deliverer],
        clock: Clock,
        entropy: Entropy,
        options: RelayOptions | None = None,
    ) -> None:
        self._database = database
        self._deliverers = deliverers
        self._clock = clock
        self._entropy = entropy
        self._options = options or RelayOptions()

    async def run_once(self, now: int) -> int:
        """Take what is due at ``now``, deliver it, and return how many messages were taken."""
        leased = await self._lease(now, self._options.at_once)
        await asyncio.gather(*(self._settle(one, now) for one in leased))
        return len(leased)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set, then finish what is in flight.

        A slow delivery holds back nothing but its own key.
        """
        flying: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            now = self._clock.now()
            room = self._options.at_once - len(flying)
            leased: list[_Leased] = []
            try:
                leased = await self._lease(now, room)
            except DatabaseUnavailable as failure:
                _log.warning("outbox not read: %s", failure)
            for one in leased:
                task = asyncio.create_task(self._settle(one, now))
                flying.add(task)
                task.add_done_callback(flying.discard)
            if len(leased) < room:
                # Everything due was taken; what comes meanwhile is taken together at the next look.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._options.interval)
            while len(flying) >= self._options.at_once and not stop.is_set():
                await asyncio.wait(
                    flying, timeout=self._options.interval, return_when=asyncio.FIRST_COMPLETED
                )
        await asyncio.gather(*flying)

    async def _lease(self, now: int, most: int) -> list[_Leased]:
        until = now + self._options.lease
        rows = await self._database.take(Write(_LEASE, {"now": now, "most": most, "until": until}))
        return sorted((_Leased.of(row) for row in rows), key=lambda leased: leased.number)

    async def _settle(self, leased: _Leased, now: int) -> None:
        """Deliver one message and write down what came of it. Nothing escapes but cancellation."""
        reason = await self._deliver(leased.message, now)
        mine = {"which": leased.number, "lease": leased.attempts}
        arrived = Write(_ARRIVED, mine)
        try:
            if reason is None:
                await self._database.submit(arrived)
            elif leased.attempts >= self._options.attempts or leased.message.expires_at <= now:
                await self._database.submit(arrived, self._dead(leased, now, reason))
            else:
                due = now + self._delay(leased.attempts)
                await self._database.submit(Write(_AGAIN, {**mine, "due": due}))
        except Refused:
            _log.warning("message %s outlived its lease", leased.message.id)
        except DatabaseUnavailable as failure:
            _log.warning("message %s will be delivered again: %s", leased.message.id, failure)

    async def _deliver(self, message: Message, now: int) -> str | None:
        """Return why the message did not arrive, or None."""
        if message.expires_at <= now:
            return "expired"
        deliverer = self._deliverers.get(message.kind)
        if deliverer is None:
            return "no deliverer of this kind"
        try:
            async with asyncio.timeout(self._options.deadline):
                await deliverer.deliver(message, now)
        except DeliveryFailed as failure:
            return str(failure) or "failed"
        except TimeoutError:
            return "took too long"
        except Exception as fault:
            # Only the kind of fault: its text may quote the message.
            _log.error("deliverer of %s failed: %s", message.kind, type(fault).__name__)
            return f"fault: {type(fault).__name__}"
        return None

    def _delay(self, attempts: int) -> int:
        """Return seconds until the next attempt: doubling, between half and all of it by chance."""
        options = self._options
        doubled = options.first_delay << min(attempts - 1, 30)
        longest = min(options.longest_delay, doubled)
        chance = int.from_bytes(self._entropy.bytes(2)) / 0xFFFF
        return max(1, round(longest * (0.5 + chance / 2)))

    def _dead(self, leased: _Leased, now: int, reason: str) -> Write:
        message = leased.message
        _log.error("message %s of kind %s put aside: %s", message.id, message.kind, reason)
        return Write(
            _DEAD,
            {
                "id": message.id,
                "kind": message.kind,
                "key": message.key,
                "body": b"" if message.expires_at <= now else message.body,
                "at": message.at,
                "expires_at": message.expires_at,
                "attempts": leased.attempts,
                "dead_at": now,
                "reason": reason,
            },
            rows=None,
        )
