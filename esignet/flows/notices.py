"""Tells clients of their signature requests: queued in the unit of the move, signed as it leaves.

What leaves is a Security Event Token (RFC 8417) that is pushed as RFC 8935 says. It comes at least
once, under the same ``jti`` each time, and in order within one request.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from config.runtime.database.unit import Write
from config.runtime.destinations import NotAllowed, Rules, destination
from config.runtime.entropy import Entropy
from config.runtime.outbound import Fetcher, FetchFailed, Outgoing
from config.runtime.outbox import DeliveryFailed, Message, Outbox
from esignet.protocol.asking import BadRequest
from esignet.protocol.notices import Notice, claims_of
from esignet.protocol.signature_request import Event, SignatureRequest
from keystore.door import Door, KeyServiceUnavailable, Order, TokenKind

KIND = "signature_event"
"""The kind of these messages in the outbox."""

PATIENCE = 3 * 86400
"""Seconds after which a message is worth nothing."""

LARGEST = 16 * 1024
"""Octets of an answer that are read."""

SECONDS = 5.0
"""Until the client has answered."""

FINAL = (400, 410)
"""The client says that it will never take this message (RFC 8935 §2.3), or that it is gone."""

_NOTICE = msgspec.json.Decoder(Notice)
_log = logging.getLogger("symbolon.esignet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Queues what is told; ``issuer`` is who signs it. ``rules`` say where it may be sent."""

    outbox: Outbox
    entropy: Entropy
    issuer: str
    rules: Rules

    def judge(self, webhook: str) -> None:
        """Raise BadRequest unless the address is one that is ever posted to."""
        if not webhook:
            return
        try:
            destination(webhook, self.rules)
        except NotAllowed as reason:
            raise BadRequest(f"webhook: {reason}", 422) from None

    def written(self, request: SignatureRequest, event: Event, now: int) -> Sequence[Write]:
        """Return what queues the message; its client made the request, and knows that."""
        if not request.webhook or event is Event.CREATED:
            return ()
        notice = Notice(
            id=self.entropy.token(16),
            issuer=self.issuer,
            client_id=request.client_id,
            url=request.webhook,
            request=request.id,
            event=event,
            state=request.state.value,
            signed=request.signatures,
            signers=len(request.slots),
            at=now,
            reason=request.reason,
        )
        message = Message(
            id=notice.id,
            kind=KIND,
            key=f"signature:{request.id}",
            body=msgspec.json.encode(notice),
            at=now,
            expires_at=now + PATIENCE,
        )
        return (self.outbox.write(message),)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliverer:
    """Signs messages and posts them. ``algs`` are those of the issuers that may sign.

    Redirects are never followed, and only public addresses are connected to.
    """

    door: Door
    fetcher: Fetcher
    algs: dict[str, str]

    async def deliver(self, message: Message, now: int) -> None:
        """See Deliverer.deliver."""
        notice = _NOTICE.decode(message.body)
        alg = self.algs.get(notice.issuer)
        if alg is None:
            raise DeliveryFailed("webhook: its issuer is no more")
        order = Order(TokenKind.SIGNATURE_EVENT, alg, claims_of(notice))
        try:
            [token] = await self.door.sign(notice.issuer, [order])
        except KeyServiceUnavailable:
            raise DeliveryFailed("webhook: the key service is away") from None
        outgoing = Outgoing(
            url=notice.url,
            body=token.encode(),
            content_type="application/secevent+jwt",
            headers={"accept": "application/json"},
        )
        try:
            answer = await self.fetcher.post(outgoing, LARGEST, SECONDS)
        except FetchFailed as failure:
            raise DeliveryFailed(f"webhook: {failure.reason}") from None
        if answer.status in FINAL:
            _log.warning("a webhook refused with status %d: not repeated", answer.status)
        elif not 200 <= answer.status < 300:
            raise DeliveryFailed(f"webhook: status {answer.status}")
