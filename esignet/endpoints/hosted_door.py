"""The way through a link: in the browser that claimed it, and in no other.

Whoever presses the button on the first page claims the link. It is a form because only people press
buttons: what looks a link over on its way to them, in mail and in messengers, follows it and sends
no form, and a form needs no scripts.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.runtime.clock import Clock
from config.runtime.pages.answers import Message, Way
from config.runtime.pages.visitors import Visitor
from config.runtime.web import Answer, Call, redirect
from config.settings.localized import localized
from esignet.endpoints.page_door import PageDoor, Show, own_form
from esignet.flows.hosted import Hosted
from esignet.flows.hosted_parts import NotHere, Opened, Replaced
from esignet.protocol.hosted import Party, origin

Shown = Callable[[Opened, Call, Visitor], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDoor:
    """Lets the browser of a link in, offers it to the first, and tells others what to do."""

    hosted: Hosted
    door: PageDoor
    clock: Clock

    def claimed(self, show: Shown) -> Show:
        """Show something to the browser of the link; another one begins at its first page."""

        async def opened(found: Opened, call: Call, visitor: Visitor) -> Answer:
            if not found.is_claimed:
                return redirect(base(call))
            return await show(found, call, visitor)

        return self.leading(opened)

    def leading(self, show: Shown) -> Show:
        """Show something to whoever may open the link, claimed or not."""

        async def opened(call: Call, visitor: Visitor) -> Answer:
            return await show(await self.opened(call, visitor), call, visitor)

        return self.told(opened)

    def told(self, show: Show) -> Show:
        """Show something, or say why the link leads nowhere here."""

        async def shown(call: Call, visitor: Visitor) -> Answer:
            try:
                return await show(call, visitor)
            except NotHere as refusal:
                return self._elsewhere(refusal, call, visitor)

        return shown

    async def opened(self, call: Call, visitor: Visitor) -> Opened:
        """Return what the link of an address leads to; raises NoSuchLink, NotHere."""
        ticket = call.captured["ticket"]
        return await self.hosted.opened(ticket, _claim(ticket, visitor), self.clock.now())

    def offer(self, found: Opened, call: Call, visitor: Visitor) -> Answer:
        """Show who asks, and the button that claims the link: nothing yet of what is signed."""
        content = {
            "base": base(call),
            "client": client_name(found.party, found.link.return_to, visitor),
            "host": urlsplit(found.link.return_to).netloc,
            "csrf": visitor.token(f"open:{call.captured['ticket']}"),
        }
        setting = self.door.answers.setting(visitor, base(call))
        return self.door.answers.page("sign_open", setting, content)

    async def claim(self, found: Opened, call: Call, visitor: Visitor) -> Answer:
        """Take the form of that button, and go to what the link leads to."""
        ticket = call.captured["ticket"]
        await own_form(call, visitor, f"open:{ticket}")
        if not found.is_claimed:
            await self.hosted.claim(found, _claim(ticket, visitor))
        return redirect(base(call))

    def _elsewhere(self, refusal: NotHere, call: Call, visitor: Visitor) -> Answer:
        """Say why the link leads nowhere here, and how to get one that does."""
        t, return_to = visitor.language.t, refusal.link.return_to
        client = client_name(refusal.party, return_to, visitor)
        if isinstance(refusal, Replaced):
            heading = t("There is a newer link")
            line = t("This one has ended. Open the newest link that you were sent.")
        else:
            heading = t("This link is used in another browser")
            line = t("It was opened there first, and leads on only there.")
        message = Message(
            heading=heading,
            lines=(line, t("If you cannot, ask {client} for a new link.", client=client)),
            ways_on=(Way(origin(return_to), t("Go back to {client}", client=client)),),
            status=410 if isinstance(refusal, Replaced) else 403,
        )
        return self.door.answers.message(message, visitor, call)


def base(call: Call) -> str:
    """Return the first page of the link that a call is about."""
    return f"/sign/{call.captured['ticket']}"


def client_name(party: Party, return_to: str, visitor: Visitor) -> str:
    """Return what the reader knows the party as: its name, else the host they go back to."""
    return localized(party.names, (visitor.language.tag,)) or urlsplit(return_to).netloc


def _claim(ticket: str, visitor: Visitor) -> str:
    """Return what this browser alone can bring for this link: another text for each link."""
    return visitor.token(f"link:{ticket}")
