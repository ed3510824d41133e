"""The demonstration's inbox: messages are shown on a page instead of being sent.

Whoever opens that page reads every code, so it refuses to work for anything but a demonstration
whose issuers are all on this machine.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from config.runtime.clock import Clock
from config.runtime.destinations import Rules
from config.runtime.outbound import Fetcher, FetchFailed, Outgoing
from config.runtime.outbox import Deliverer, DeliveryFailed, Message
from config.settings import Settings, SettingsError
from idp.channels.channel import Channel, Reach, by_email, by_phone, unseal
from idp.residents.port import Addresses
from keystore.door import Door

SECONDS = 5.0
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


def build(settings: Settings) -> Channel:
    """Return the channel; raises SettingsError outside a demonstration."""
    _demand_demonstration(settings)
    return Channel("inbox", reach)


def build_deliverer(settings: Settings, door: Door, clock: Clock) -> Deliverer:
    """Return what brings messages to the inbox; raises SettingsError outside a demonstration."""
    _demand_demonstration(settings)
    if not settings.channels.inbox_url:
        raise SettingsError("channels.inbox_url: the channel inbox needs it")
    return Inbox(
        door=door,
        fetcher=Fetcher(clock, Rules(loopback=True), keep=True),
        url=settings.channels.inbox_url.rstrip("/") + "/messages",
        token=settings.channels.inbox_token,
    )


def reach(addresses: Addresses) -> Reach | None:
    """Return where the person would be reached: the message is found by phone and by e-mail."""
    phone, email = by_phone(addresses), by_email(addresses)
    if phone is None or email is None:
        return phone or email
    return Reach(phone.to, phone.medium, (email.to,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Posts each message to the inbox of ``config.wiring.inbox``."""

    door: Door
    fetcher: Fetcher
    url: str
    token: str

    async def deliver(self, message: Message, now: int) -> None:
        """See Deliverer.deliver."""
        letter = await unseal(self.door, message)
        body = {
            "id": message.id,
            "to": letter.to,
            "aliases": letter.aliases,
            "channel": letter.medium,
            "text": letter.text,
            "code": letter.code,
            "at": letter.at,
        }
        outgoing = Outgoing(
            url=self.url,
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers={"authorization": f"Bearer {self.token}"} if self.token else {},
        )
        try:
            answer = await self.fetcher.post(outgoing, seconds=SECONDS)
        except FetchFailed as failure:
            raise DeliveryFailed(f"inbox: {failure.reason}") from None
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(f"inbox: status {answer.status}")


def _demand_demonstration(settings: Settings) -> None:
    if not settings.demo:
        raise SettingsError("channels.enabled: inbox shows every code, so it wants demo = true")
    for issuer in settings.issuers:
        if urlsplit(issuer.address).hostname not in _LOOPBACK:
            raise SettingsError(
                f"channels.enabled: inbox shows every code, and {issuer.address} is not on this"
                " machine"
            )
