"""A link by text message or e-mail: it opens the request where nobody is signed in."""

from dataclasses import dataclass

from config.runtime.database.unit import Write
from config.runtime.outbox import Message
from idp.authentication_devices import texts
from idp.authentication_devices.device import Brought, Parts, Summons
from idp.channels.channel import Channel, Letter, Reach, seal
from idp.protocol.grant import digest_of
from idp.residents.port import NOBODY, Addresses


def build(parts: Parts) -> "Link":
    """Return the device."""
    return Link(parts)


@dataclass(frozen=True, slots=True)
class Link:
    """Queues a message with a random address: whoever has it sees who asks, and may say no.

    To say yes, the person has to log in behind it like everywhere.
    """

    parts: Parts

    async def bring(self, summons: Summons) -> Brought:
        """See AuthenticationDevice.bring: for nobody a letter is sealed that is never sent."""
        parts = self.parts
        if not parts.channels:
            return Brought()
        addresses = await parts.residents.addresses(summons.resident_id or NOBODY)
        channel, reach = self._reach(addresses)
        secret, message_id = parts.entropy.token(), parts.entropy.token(16)
        letter = _letter(summons, reach or Reach("+00000000000", "sms"), secret, addresses.locale)
        body = await seal(parts.door, letter, message_id)
        if channel is None:  # nobody has an address either
            unsent = parts.challenges.silence(message_id, body, summons.ends_at)
            return Brought((unsent,), digest_of(secret))
        return Brought((_queued(self, summons, channel, message_id, body),), digest_of(secret))

    def _reach(self, addresses: Addresses) -> tuple[Channel | None, Reach | None]:
        for channel in self.parts.channels:
            if (reach := channel.reach(addresses)) is not None:
                return channel, reach
        return None, None


def _queued(link: Link, summons: Summons, channel: Channel, message_id: str, body: bytes) -> Write:
    return link.parts.outbox.write(
        Message(
            id=message_id,
            kind=channel.kind,
            key=message_id,
            body=body,
            at=summons.at,
            expires_at=summons.ends_at,
        )
    )


def _letter(summons: Summons, reach: Reach, secret: str, locale: str) -> Letter:
    name = summons.client.name((locale,))
    address = f"{summons.issuer.rstrip('/')}/approvals/{secret}"
    return Letter(
        to=reach.to,
        medium=reach.medium,
        aliases=reach.aliases,
        subject=texts.subject(name, locale),
        text=texts.message(name, address, summons.ends_at - summons.at, locale),
        code="",
        at=summons.at,
    )
