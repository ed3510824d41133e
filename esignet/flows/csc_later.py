"""Signing while the client does other things: operationMode A and signatures/signPolling.

An approval is good for 300 s and once, so work begins at once, in the process that was asked. If
that process dies, the place of the answer says so from ``LOST_AFTER`` seconds on: whatever was
signed is in the audit log, and the person has to be asked anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable, Refused
from config.runtime.entropy import Entropy
from config.runtime.strict_json import strict_json
from esignet.flows.csc_approvals import Caller
from esignet.protocol.csc.faults import SAD_EXPIRED, UNAVAILABLE, UNDERWAY, CscError, Fault, invalid
from esignet.stores.csc_answers import CscAnswers, Place
from keystore.door import KeyServiceUnavailable

LOST_AFTER = 120
"""Seconds after which an answer that has not come is not waited for."""

Work = Callable[[], Awaitable[dict[str, Any]]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Work whose answers are fetched. One per process; ``drained`` before it ends."""

    answers: CscAnswers
    clock: Clock
    entropy: Entropy
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self, caller: Caller, keep: int, work: Work) -> dict[str, str]:
        """Start ``work`` and return what its answer is fetched with, for ``keep`` seconds."""
        now = self.clock.now()
        place = Place(
            id=self.entropy.token(),
            client_id=caller.client_id,
            subject=caller.subject,
            lost_at=now + LOST_AFTER,
            expires_at=now + LOST_AFTER + keep,
        )
        await self.answers.database.submit(self.answers.begun(place))
        task = asyncio.get_running_loop().create_task(self._done(place.id, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return {"responseID": place.id}

    async def fetched(self, caller: Caller, identifier: str, now: int) -> dict[str, Any]:
        """Return the answer, or raise what its work was refused with, or that it is underway."""
        row = await self.answers.find(identifier, caller.client_id, caller.subject, now)
        if row is None:
            raise invalid("requestID")
        if row["answer"] is None:
            raise CscError(UNDERWAY if now < row["lost_at"] else SAD_EXPIRED)
        answer: Any = strict_json(row["answer"])
        if "refused" in answer:
            raise CscError(Fault(*answer["refused"]))
        told: dict[str, Any] = answer["told"]
        return told

    async def drained(self) -> None:
        """Return when everything that was begun has its answer."""
        while self._running:
            await asyncio.wait(self._running)

    async def _done(self, identifier: str, work: Work) -> None:
        answer: dict[str, Any]
        try:
            answer = {"told": await work()}
        except CscError as refusal:
            fault = refusal.fault
            answer = {"refused": (fault.description, fault.error, fault.status)}
        except KeyServiceUnavailable:
            away = UNAVAILABLE
            answer = {"refused": (away.description, away.error, away.status)}
        except Exception:
            _log.exception("signing later failed")
            return
        try:
            told = msgspec.json.encode(answer)
            await self.answers.database.submit(self.answers.ended(identifier, told))
        except (DatabaseUnavailable, Refused):  # it is told as lost, and can be asked for anew
            _log.error("an answer could not be kept")
