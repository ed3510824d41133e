"""How a signature request is made: prepared, sealed, counted, and once under an idempotency key."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Refused, Write
from config.runtime.entropy import Entropy
from esignet.flows.preparing import Preparing, stands_together, to_approve
from esignet.flows.request_contents import (
    APPEARANCES,
    DOCUMENTS,
    KEY,
    SIGNERS,
    TOLD,
    Contents,
    ToApprove,
)
from esignet.flows.request_signing import Notices
from esignet.formats.format import Prepared
from esignet.protocol.asking import Asked, BadRequest
from esignet.protocol.signature_request import Event, SignatureRequest, Slot, State
from esignet.stores.creation_keys import CreationKeys, Once
from esignet.stores.requests import SignatureRequests


class NoSuchRequest(Exception):
    """There is no such request or document, or it is another client's."""


class KeyReused(Exception):
    """The idempotency key was used for another request."""


class TooMany(Exception):
    """The client has as many requests that wait as it may."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A request, what is approved next, and the labels of its signers."""

    request: SignatureRequest
    to_approve: tuple[ToApprove, ...]
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating:
    """Makes requests. A client may have ``most`` that wait."""

    store: SignatureRequests
    keys: CreationKeys
    contents: Contents
    preparing: Preparing
    notices: Notices
    entropy: Entropy
    most: int

    async def created(
        self, client_id: str, asked: Asked, now: int, once: Once | None = None
    ) -> Shown:
        """Return a new request; under the same key of ``once`` the one that was made before.

        Raises BadRequest, PdfBusy, TooMany, KeyReused, IllegalMove (that one has ended).
        """
        if once is not None and (before := await self._again(client_id, once)) is not None:
            return before
        try:
            return await self._made(client_id, asked, now, once)
        except (
            BadRequest,
            Refused,
            TooMany,
        ):  # perhaps because the same was asked for at the same time
            if once is not None and (before := await self._again(client_id, once)) is not None:
                return before
            raise

    async def _made(self, client_id: str, asked: Asked, now: int, once: Once | None) -> Shown:
        waits_as = await self._free(client_id)
        self.notices.judge(asked.webhook)
        given = await self.preparing.uploaded.given(client_id, asked)
        asked = given.asked
        prepared = await self.preparing.first(asked, now)
        request = _new(self.entropy.token(), client_id, asked, prepared, now)
        told = tuple(to_approve(prepared))
        writes = [
            *await self._parts(request, asked, prepared, told),
            *self.notices.written(request, Event.CREATED, now),
        ]
        if once is not None:
            writes.append(self.keys.used(once, request))
        bound = self.preparing.uploaded.bound(given, request, now)
        try:
            await self._submit(request, waits_as, [*writes, *bound])
        except Refused as refusal:
            if any(refusal.write is one for one in bound):
                raise BadRequest("a document that was uploaded is gone, or taken", 409) from None
            raise
        return Shown(request, told, asked.signers)

    async def _submit(
        self, request: SignatureRequest, waits_as: int, writes: Sequence[Write]
    ) -> None:
        """Submit a new request; whoever came first with its number has it look for another."""
        while True:
            added = self.store.added(request, waits_as)
            try:
                return await self.store.database.submit(added, *writes)
            except Refused as refusal:
                if refusal.write is not added:
                    raise
            waits_as = await self._free(request.client_id)

    async def _free(self, client_id: str) -> int:
        """Return a number as which a request of the client can wait, or raise TooMany.

        Any of those that are free: who asks at the same time gets another one.
        """
        waiting = await self.store.waiting(client_id)
        free = [number for number in range(self.most) if number not in waiting]
        if not free or len(waiting) >= self.most:
            raise TooMany
        return free[int.from_bytes(self.entropy.bytes(4)) % len(free)]

    async def _again(self, client_id: str, once: Once) -> Shown | None:
        found = await self.keys.find(client_id, once.key)
        if found is None:
            return None
        asked, identifier = found
        if not hmac.compare_digest(asked, once.asked):
            raise KeyReused
        request = await self.store.find(identifier, client_id)
        if request is None:
            raise NoSuchRequest
        sealer = await self.contents.opened(request)
        told = await self.contents.part(sealer, TOLD)
        return Shown(request, told, await self.contents.part(sealer, SIGNERS))

    async def _parts(
        self,
        request: SignatureRequest,
        asked: Asked,
        prepared: Sequence[Prepared],
        told: tuple[ToApprove, ...],
    ) -> list[Write]:
        sealer, key = await self.contents.new(request.id)
        parts = {SIGNERS: asked.signers, TOLD: told, DOCUMENTS: prepared}
        if asked.appearances:
            parts[APPEARANCES] = asked.appearances
        sealed = {name: await sealer.seal(name, value) for name, value in parts.items()}
        return [self.store.kept(request, *one) for one in {KEY: key, **sealed}.items()]


def _new(
    identifier: str, client_id: str, asked: Asked, prepared: Sequence[Prepared], now: int
) -> SignatureRequest:
    together = stands_together(asked.format, prepared[0])
    return SignatureRequest(
        id=identifier,
        client_id=client_id,
        state=State.OPEN,
        format=asked.format,
        level=asked.level,
        envelope=asked.envelope,
        algorithm=asked.algorithm,
        digests=tuple(digest for one in prepared for digest in one.digests),
        count=len(prepared),
        order=asked.order,
        together=together,
        slots=tuple(Slot() for _ in asked.signers),
        created_at=now,
        expires_at=now + asked.lifetime,
        webhook=asked.webhook,
    )
