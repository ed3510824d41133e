"""Bringing a code to a resident: the channel that reaches them, the letter, the queued message."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.database.unit import Write
from config.runtime.outbox import Message, Outbox
from idp.channels.channel import Channel, Letter, Reach, seal
from idp.factors import texts
from idp.factors.factor import Attempt
from idp.residents.port import Addresses
from idp.stores.challenges import Challenges
from keystore.door import Door


@dataclass(frozen=True, slots=True)
class Route:
    """A channel, and where it reaches somebody."""

    channel: Channel
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One code on its way. ``route`` None: the same is done, but nothing is sent."""

    id: str
    code: str
    route: Route | None
    at: int
    ends_at: int
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Queues messages with codes in the outbox; the worker sends them."""

    door: Door
    outbox: Outbox
    challenges: Challenges
    channels: Sequence[Channel]

    def route(self, addresses: Addresses) -> Route | None:
        """Return the first channel that reaches the person, None when none does."""
        for channel in self.channels:
            if (reach := channel.reach(addresses)) is not None:
                return Route(channel, reach)
        return None

    async def notice(self, attempt: Attempt, dispatch: Dispatch) -> Write:
        """Return the write that queues the message, or one that costs as much and sends nothing.

        The message expires with its code.
        """
        body = await seal(self.door, _letter(attempt, dispatch), dispatch.id)
        if dispatch.route is None:
            return self.challenges.silence(dispatch.id, body, dispatch.ends_at)
        return self.outbox.write(
            Message(
                id=dispatch.id,
                kind=dispatch.route.channel.kind,
                key=dispatch.id,  # not behind an older code that does not get through
                body=body,
                at=dispatch.at,
                expires_at=dispatch.ends_at,
            )
        )


def _letter(attempt: Attempt, dispatch: Dispatch) -> Letter:
    reach = dispatch.route.reach if dispatch.route else Reach("+00000000000", "sms")
    telling = texts.Telling(
        code=dispatch.code,
        client=attempt.client_name,
        purpose=attempt.purpose,
        seconds=dispatch.ends_at - dispatch.at,
        locale=dispatch.locale,
        issuer=attempt.issuer,
    )
    return Letter(
        to=reach.to,
        medium=reach.medium,
        aliases=reach.aliases,
        subject=texts.subject(telling),
        text=texts.text(telling, reach.medium),
        code=dispatch.code,
        at=dispatch.at,
    )
