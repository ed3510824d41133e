"""Delivers what clients of backchannel authentication are told: one POST to the address that the
client registered (CIBA Core 1.0 §10.2, §10.3.1, §12).
"""

import logging
from dataclasses import dataclass

import msgspec

from config.runtime.outbound import Fetcher, FetchFailed, Outgoing
from config.runtime.outbox import DeliveryFailed, Message
from idp.flows.notices import unseal
from keystore.door import Door

SECONDS = 5.0
"""Until the client has answered."""

ARRIVED = ("size", "type")
"""The client answered, at length or in a strange encoding: nobody reads what (§10.2)."""

_log = logging.getLogger("symbolon.backchannel")


@dataclass(frozen=True, slots=True)
class ClientNotifier:
    """Posts notifications. What a client refuses is not repeated, what did not reach it is.

    Redirects are never followed (§10.2).
    """

    door: Door
    fetcher: Fetcher

    async def deliver(self, message: Message, now: int) -> None:
        """See Deliverer.deliver."""
        notification = await unseal(self.door, message)
        outgoing = Outgoing(
            url=notification.url,
            body=msgspec.json.encode(notification.body),
            content_type="application/json",
            headers={"authorization": f"Bearer {notification.token}"},
        )
        try:
            answer = await self.fetcher.post(outgoing, seconds=SECONDS)
        except FetchFailed as failure:
            if failure.reason == "redirect":
                _log.warning("a notification endpoint redirects: not followed, not repeated")
            elif failure.reason not in ARRIVED:
                raise DeliveryFailed(f"backchannel: {failure.reason}") from None
            return
        if answer.status >= 500 or answer.status == 429:
            raise DeliveryFailed(f"backchannel: status {answer.status}")
        if not 200 <= answer.status < 300:
            _log.warning("a notification was refused with status %d: not repeated", answer.status)
