"""What a client is told when a backchannel request is over (CIBA Core 1.0 §10.2, §10.3, §12).

Everything is prepared where the person decides: tokens are signed before the unit in which the
request is approved, and leave, sealed in the outbox, after it. The worker only delivers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from config.runtime.database.unit import Write
from config.runtime.entropy import Entropy
from config.runtime.outbox import Message, Outbox
from idp.flows.tokens import Tokens
from idp.grants.grant_type import Redemption
from idp.grants.opening import Opening
from idp.protocol.ciba import AUTH_REQ_ID_CLAIM, POLL, PUSH
from idp.protocol.client import Client
from idp.protocol.decoupled import Decoupled
from idp.protocol.errors import AccessDenied
from keystore.cells import row
from keystore.door import Door, SealPurpose

KIND = "backchannel"
"""The kind of these messages in the outbox."""

PART = 8_000
"""Bytes that are sealed at once: the key service takes 8 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What must be known again when the request is over; sealed until then."""

    auth_req_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What is posted to the client. ``token`` is the bearer token that the client chose."""

    url: str
    token: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """The request as it will be, and the writes that tell the client."""

    request: Decoupled
    writes: tuple[Write, ...] = ()


_HELD = msgspec.json.Decoder(Held)
_NOTIFICATION = msgspec.json.Decoder(Notification)
_PARTS = msgspec.msgpack.Decoder(list[bytes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Tells clients of one issuer."""

    door: Door
    outbox: Outbox
    entropy: Entropy
    tokens: Tokens
    opening: Opening

    async def hold(self, request: Decoupled, client: Client, held: Held) -> Decoupled:
        """Return a new request that remembers what its client will be told with, sealed."""
        if client.backchannel_token_delivery_mode == POLL:
            return request
        plain, bound = msgspec.json.encode(held), _bound(request)
        sealed = await self.door.seal(SealPurpose.NOTIFICATION, plain, bound)
        return replace(request, notify={"sealed": sealed.hex()})

    async def approved(self, request: Decoupled, client: Client, now: int) -> Told:
        """Return ``request``, which was approved, and what tells the client so.

        A client that tokens are pushed to gets them now: then the request is redeemed as well.
        """
        if request.notify is None:
            return Told(request)
        held = await self._held(request)
        if client.backchannel_token_delivery_mode != PUSH:
            return Told(request, (await self._queued(request, client, held, {}),))
        assert request.authorization is not None
        opened = await self.opening.open(request.authorization, client, now)
        redemption = Redemption(
            authorization=opened.authorization,
            scope=opened.authorization.scope,
            fresh=True,
            refresh_token=opened.refresh_token,
            writes=opened.writes,
            answer=opened.answer,
            id_token={AUTH_REQ_ID_CLAIM: held.auth_req_id},
        )
        answer = await self.tokens.pushed(redemption, client, now)
        message = await self._queued(request, client, held, answer)
        return Told(request.redeem(opened.ends_at), (*opened.writes, message))

    async def denied(self, request: Decoupled, client: Client) -> tuple[Write, ...]:
        """Return what tells the client that the person said no."""
        if request.notify is None:
            return ()
        held = await self._held(request)
        body: Mapping[str, Any] = {}
        if client.backchannel_token_delivery_mode == PUSH:
            body = {"error": AccessDenied.code, "error_description": "the person did not agree"}
        return (await self._queued(request, client, held, body),)

    async def _held(self, request: Decoupled) -> Held:
        assert request.notify is not None
        sealed = bytes.fromhex(request.notify["sealed"])
        return _HELD.decode(await self.door.open(SealPurpose.NOTIFICATION, sealed, _bound(request)))

    async def _queued(
        self, request: Decoupled, client: Client, held: Held, body: Mapping[str, Any]
    ) -> Write:
        """Return the write that queues the message, which is worth nothing after the request."""
        notification = Notification(
            url=client.backchannel_client_notification_endpoint or "",
            token=held.token,
            body={"auth_req_id": held.auth_req_id, **body},
        )
        message_id = self.entropy.token(16)
        return self.outbox.write(
            Message(
                id=message_id,
                kind=KIND,
                key=request.digest.hex(),
                body=await seal(self.door, notification, message_id),
                at=request.created_at,
                expires_at=request.expires_at,
            )
        )


async def seal(door: Door, notification: Notification, message_id: str) -> bytes:
    """Return ``notification`` as the body of the message with this id, for the worker only."""
    plain = msgspec.json.encode(notification)
    pieces = [plain[start : start + PART] for start in range(0, len(plain), PART)]
    return msgspec.msgpack.encode(
        [
            await door.seal(SealPurpose.OUTBOX, piece, _place(message_id, number, len(pieces)))
            for number, piece in enumerate(pieces)
        ]
    )


async def unseal(door: Door, message: Message) -> Notification:
    """Return the notification in ``message``; raises keystore.door.BadSeal for another's."""
    sealed = _PARTS.decode(message.body)
    pieces = [
        await door.open(SealPurpose.OUTBOX, part, _place(message.id, number, len(sealed)))
        for number, part in enumerate(sealed)
    ]
    return _NOTIFICATION.decode(b"".join(pieces))


def _place(message_id: str, number: int, of: int) -> bytes:
    return row("outbox", message_id, f"{number} of {of}")


def _bound(request: Decoupled) -> bytes:
    return row("backchannel", request.digest.hex())
