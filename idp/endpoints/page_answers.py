"""Answers that people see: pages, messages, and the answer to the client on its way there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from config.runtime.web import Answer, Call, form_target, page_answer, redirect
from idp.endpoints.guests import Guest
from idp.pages.pages import Pages, Setting
from idp.protocol.authorization import Reply
from idp.protocol.client import localized


@dataclass(frozen=True, slots=True)
class Way:
    """A way on from a page: no page is a dead end."""

    href: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What happened, what to do, and the ways on. Texts are in the person's language.

    ``reason`` is for developers: English, empty outside the demonstration.
    """

    heading: str
    lines: tuple[str, ...]
    ways_on: tuple[Way, ...] = ()
    status: int = 400
    reference: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PageAnswers:
    """``names`` is what the service is called, by language; ``home`` its pages for residents."""

    pages: Pages
    names: Mapping[str, str]
    home: str

    def setting(self, guest: Guest, path: str) -> Setting:
        """Return where a page stands; ``path`` is the address that other languages link to."""
        service = localized(self.names, (guest.language.tag,)) or "Symbolon"
        return Setting(guest.language, path, service)

    def page(
        self, name: str, setting: Setting, content: Mapping[str, Any], targets: Iterable[str] = ()
    ) -> Answer:
        """Answer the page ``name``. ``targets`` are addresses where its forms may end up."""
        html = self.pages.render(name, setting, **content)
        status = 422 if content.get("fault") else 200
        return page_answer(html, status, [form_target(uri) for uri in targets])

    def message(self, message: Message, guest: Guest, call: Call) -> Answer:
        """Answer what happened."""
        html = self.pages.render(
            "message",
            self.setting(guest, _again(call) or self.home),
            heading=message.heading,
            lines=message.lines,
            ways_on=message.ways_on,
            reference=message.reference and call.request_id,
            reason=message.reason,
        )
        return page_answer(html, message.status)

    def reply(self, reply: Reply, guest: Guest, client_name: str) -> Answer:
        """Send the browser to the client with its answer, in the response mode asked for."""
        if reply.mode != "form_post":
            return redirect(reply.location if reply.fields else reply.uri)
        # OAuth 2.0 Form Post Response Mode 1.0 §2
        content = {"client": client_name, "uri": reply.uri, "fields": reply.fields}
        return self.page("form_post", self.setting(guest, self.home), content, (reply.uri,))


def address_of(uri: str) -> str:
    """Return what of a client's address people can recognise: its host, or an app's scheme."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else parts.scheme


def _again(call: Call) -> str:
    """Return the path that tells the same in another language; "" for a form.

    Without its query: what nobody proved (an address to go back to) is repeated nowhere.
    """
    return call.path if call.method == "GET" else ""
