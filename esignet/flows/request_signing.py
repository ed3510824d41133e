"""From an approval to signed documents that are kept: so that whoever dies on the way is followed.

The approval is kept before the key service is asked; what that signed is kept before documents are
made of it; and what came of it is one unit with the request's move. Whoever finds a request between
two of these steps, and nobody at work on it, goes on from there: the key service answers the same
order with the same signatures, and everything after that can be done again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable, Refused, Write
from esignet.flows.appearing import next_turn
from esignet.flows.preparing import Preparing, to_approve
from esignet.flows.request_contents import (
    APPEARANCES,
    APPROVAL,
    DOCUMENTS,
    SIGNATURES,
    TOLD,
    Contents,
    Sealer,
    result,
)
from esignet.flows.signed_names import signed_document
from esignet.flows.signing_parts import Made, Part
from esignet.formats.format import FormatError, Level
from esignet.pdf.pool import PdfBusy
from esignet.protocol.signature_request import Event, IllegalMove, SignatureRequest, State
from esignet.stores.requests import SignatureRequests
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.signing.door import Attested, NotActivated

LEASE = 30
"""Seconds after which nobody is believed to be at work who did not say so again."""

AGAIN = 8.0
"""Seconds after which whoever is at work says so again."""

LOST = "signature_lost"
"""Why a request failed whose approval was used up, and nothing came of it."""

UNSIGNABLE = "unsignable"
"""Why a request failed whose signature could not be put into its documents."""

AWAY = (KeyServiceUnavailable, DatabaseUnavailable, PdfBusy)
"""What passes: the request stays where it is."""


class NotApproved(Exception):
    """The access token approves nothing, or other digests, or its approval is used or too old."""


class Busy(Exception):
    """Somebody is at work on the request: come again."""


_TOLD = (*AWAY, NotApproved, Busy, IllegalMove, FormatError)
_log = logging.getLogger("symbolon.esignet")


class Hand(Protocol):
    """Has the key service sign, and finishes documents (`esignet.flows.signing`)."""

    async def signed(self, activation: str, parts: Sequence[Part]) -> Attested:
        """Return what is signed; NotActivated, NotPermitted, KeyServiceUnavailable."""
        ...

    async def finished(self, parts: Sequence[Part], attested: Attested) -> list[Made]:
        """Return the documents; NotPermitted, KeyServiceUnavailable, FormatError, PdfBusy."""
        ...


class Notices(Protocol):
    """Who is told of a request's moves: the writes go into the unit of the move."""

    def judge(self, webhook: str) -> None:
        """Raise BadRequest unless ``webhook``, the address that a client wants told, may be."""
        ...

    def written(self, request: SignatureRequest, event: Event, now: int) -> Sequence[Write]:
        """Return what is written when this happened; ``request`` is as it is then."""
        ...


class Notes(Protocol):
    """Keeps for people what they signed: the writes go into the unit of the signature."""

    async def noted(
        self, request: SignatureRequest, labels: Sequence[str], now: int
    ) -> Sequence[Write]:
        """Return what notes that documents of these names were signed in the request's place."""
        ...


@dataclass(slots=True)
class _Held:
    """A request that is worked on here, as it is now."""

    request: SignatureRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSigning:
    """Works on requests that are underway. One per process; ``drained`` before it ends."""

    store: SignatureRequests
    contents: Contents
    hand: Hand
    preparing: Preparing
    notices: Notices
    notes: Notes
    clock: Clock
    _running: dict[str, asyncio.Task[SignatureRequest]] = field(default_factory=dict)

    async def begin(
        self, moved: Sequence[Write], taken: SignatureRequest, sealer: Sealer, activation: str
    ) -> None:
        """Sign a request that is ``moved`` to ``taken`` by writes; ``sealer`` opens its parts.

        Raises Refused (it was not moved), IllegalMove (it failed), NotApproved (it is open again),
        FormatError (it failed), Busy, or what is in AWAY (it will be gone on with).
        """
        approval = await sealer.seal(APPROVAL, activation)
        await self.store.database.submit(*moved, self.store.kept(taken, APPROVAL, approval))
        await asyncio.shield(self._task(taken, sealer))

    async def resume(self, request: SignatureRequest) -> SignatureRequest:
        """Go on with a request that is underway, or wait for who does here; raises as ``begin``."""
        return await asyncio.shield(self._task(request))

    def nudge(self, request: SignatureRequest, now: int) -> None:
        """Go on with a request if nobody does, without waiting for what comes of it."""
        if request.state.is_underway and request.busy_until <= now:
            self._task(request)

    async def drained(self) -> None:
        """Return when everything that was begun here has ended."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def _task(
        self, request: SignatureRequest, sealer: Sealer | None = None
    ) -> asyncio.Task[SignatureRequest]:
        """Return the work on a request; ``sealer`` is given where it begins."""
        task = self._running.get(request.id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._through(request, sealer))
            task.add_done_callback(_heard)
            self._running[request.id] = task
        return task

    async def _through(self, request: SignatureRequest, sealer: Sealer | None) -> SignatureRequest:
        try:
            if sealer is None:
                request = await self._leased(request)
                if not request.state.is_underway:
                    return request
            held = _Held(request)
            async with self._kept_busy(held):
                await self._worked(held, sealer)
            return held.request
        except Refused:  # somebody else went on with it
            raise Busy from None
        finally:
            del self._running[request.id]

    async def _leased(self, request: SignatureRequest) -> SignatureRequest:
        found, now = await self.store.find(request.id), self.clock.now()
        if found is None or (found.state.is_underway and found.is_expired(now)):
            raise IllegalMove(State.EXPIRED)
        if not found.state.is_underway:
            return found
        if found.busy_until > now:
            raise Busy
        mine = found.busy(now + LEASE)
        await self.store.database.submit(self.store.moved(found, mine))
        return mine

    @asynccontextmanager
    async def _kept_busy(self, held: _Held) -> AsyncIterator[None]:
        """Say from time to time that somebody is at work, and when nobody is any more."""
        saying = asyncio.create_task(self._say_busy(held))
        try:
            yield
        except AWAY:
            with suppress(DatabaseUnavailable, Refused):
                now = self.clock.now()
                await self.store.database.submit(self.store.renewed(held.request, now))
            raise
        finally:
            saying.cancel()

    async def _say_busy(self, held: _Held) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            with suppress(DatabaseUnavailable, Refused):
                until = self.clock.now() + LEASE
                await self.store.database.submit(self.store.renewed(held.request, until))

    async def _worked(self, held: _Held, begun: Sealer | None) -> None:
        sealer = begun or await self.contents.opened(held.request)
        form, level = self.preparing.formats[held.request.format], Level(held.request.level)
        prepared = await self.contents.part(sealer, DOCUMENTS)
        parts = [Part(form, one, level) for one in prepared]
        if held.request.state is State.SIGNING:
            attested = await self._signed(held, sealer, parts, is_first=begun is not None)
        else:
            attested = Attested(await self.contents.part(sealer, SIGNATURES))
        try:
            async with self.preparing.uploaded.over(parts) as lent:
                made = await self.hand.finished(lent, attested)
            await self._completed(held, sealer, parts, made)
        except (FormatError, NotPermitted) as fault:
            raise await self._failed(held, UNSIGNABLE) from fault

    async def _signed(
        self, held: _Held, sealer: Sealer, parts: Sequence[Part], *, is_first: bool
    ) -> Attested:
        activation: str = await self.contents.part(sealer, APPROVAL)
        try:
            attested = await self.hand.signed(activation, parts)
        except NotActivated:
            if not is_first:  # it may have been used for this, and what was signed reached nobody
                raise await self._failed(held, LOST) from None
            writes = self.store.dropped(held.request, APPROVAL)
            await self._move(held, held.request.reopened(), *writes)
            raise NotApproved from None
        except NotPermitted as fault:
            raise await self._failed(held, UNSIGNABLE) from fault
        sealed = await sealer.seal(SIGNATURES, attested.signed)
        after = held.request.completing()
        keep, drop = self.store.kept(after, SIGNATURES, sealed), self.store.dropped(after, APPROVAL)
        await self._move(held, after, keep, *drop)
        return attested

    async def _completed(
        self, held: _Held, sealer: Sealer, parts: Sequence[Part], made: Sequence[Made]
    ) -> None:
        request, now = held.request, self.clock.now()
        place, envelope = result(request.place), request.envelope
        writes: list[Write] = []
        for number, (part, one) in enumerate(zip(parts, made, strict=True)):
            document = signed_document(part, one, envelope)
            sealed = await sealer.seal(place, document, number)
            writes.append(self.store.kept(request, place, sealed, number))
        after = request.slot_signed(request.digests, now)
        if after.state is State.OPEN:
            before, documents = [part.prepared for part in parts], [one.document for one in made]
            turn = await next_turn(self.contents, sealer, after, now)
            prepared = await self.preparing.following(parts[0].format, before, documents, turn)
            digests = tuple(digest for one in prepared for digest in one.digests)
            after = request.slot_signed(digests, now)
            writes += await self._for_next(after, sealer, prepared)
            writes += self.store.dropped(after, SIGNATURES)
        else:
            writes += self.store.dropped(after, SIGNATURES, DOCUMENTS, APPEARANCES)
        event = Event.SIGNED if after.state is State.SIGNED else Event.SLOT_SIGNED
        writes += await self.notes.noted(request, _labels(parts), now)
        await self._move(held, after, *writes, *self.notices.written(after, event, now))

    async def _for_next(
        self, after: SignatureRequest, sealer: Sealer, prepared: Sequence[Any]
    ) -> list[Write]:
        number = after.signatures
        told = await sealer.seal(TOLD, tuple(to_approve(prepared)), number)
        documents = await sealer.seal(DOCUMENTS, prepared)
        return [
            self.store.kept(after, TOLD, told, number),
            self.store.kept(after, DOCUMENTS, documents),
        ]

    async def _failed(self, held: _Held, reason: str) -> Exception:
        """End a request of which nothing can come, and return what says so."""
        now, after = self.clock.now(), held.request.failed(reason)
        notices = self.notices.written(after, Event.FAILED, now)
        await self._move(held, after, *self.store.dropped(after), *notices)
        if reason == LOST:
            return IllegalMove(State.FAILED)
        return FormatError("the documents cannot be signed in this way")

    async def _move(self, held: _Held, after: SignatureRequest, *writes: Write) -> None:
        await self.store.database.submit(self.store.moved(held.request, after), *writes)
        held.request = after


def _labels(parts: Sequence[Part]) -> Sequence[str]:
    return [item.name for part in parts for item in part.prepared.items]


def _heard(task: asyncio.Task[SignatureRequest]) -> None:
    """Take note of how it ended: perhaps nobody waits for it any more."""
    fault = None if task.cancelled() else task.exception()
    if fault is not None and not isinstance(fault, _TOLD):
        _log.error("work on a signature request failed", exc_info=fault)
