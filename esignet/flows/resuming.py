"""Goes on with signature requests that somebody left on the way, and ends those that expired."""

import asyncio
import logging
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable, Refused
from esignet.flows.request_signing import Notices, RequestSigning
from esignet.protocol.signature_request import Event, SignatureRequest
from esignet.stores.requests import SignatureRequests

EVERY = 5.0
"""Seconds between two looks."""

AT_ONCE = 16
"""Requests that are gone on with at the same time."""

_log = logging.getLogger("symbolon.esignet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resuming:
    """Looks every few seconds, in every server: of two that see the same request one goes on."""

    store: SignatureRequests
    signing: RequestSigning
    notices: Notices
    clock: Clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.run_once(self.clock.now())
            except DatabaseUnavailable as failure:
                _log.warning("signature requests could not be looked for: %s", failure)
            except Exception:  # one that is broken keeps nobody from the others
                _log.exception("signature requests could not be looked for")
            await asyncio.sleep(EVERY)

    async def run_once(self, now: int) -> None:
        """Go on with what was left, and return when that has ended or cannot go on yet."""
        left = await self.store.left(now, AT_ONCE)
        ends = await asyncio.gather(
            *(self.signing.resume(request) for request in left), return_exceptions=True
        )
        for end in ends:
            if isinstance(end, BaseException):
                _log.warning("a signature request that was left: %s", type(end).__name__)
        for request in await self.store.overdue(now, AT_ONCE):
            await self._expire(request, now)

    async def _expire(self, request: SignatureRequest, now: int) -> None:
        after = request.expired(now)
        notices = self.notices.written(after, Event.EXPIRED, now)
        moved, dropped = self.store.moved(request, after), self.store.dropped(request)
        try:
            await self.store.database.submit(moved, *dropped, *notices)
        except Refused:
            _log.debug("a request that expired was moved by somebody else")
