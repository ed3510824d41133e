"""Answers that people see: pages, and messages with a way on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from config.runtime.pages.languages import Language
from config.runtime.pages.pages import Pages, Setting
from config.runtime.web import Answer, Call, form_target, page_answer
from config.settings.localized import localized


class Reader(Protocol):
    """Whoever reads a page, as far as its language."""

    @property
    def language(self) -> Language:
        """Return the language that the reader gets."""


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
    """``names`` is what the service is called, by language; ``home`` the path where a visitor who
    knows no other address begins.
    """

    pages: Pages
    names: Mapping[str, str]
    home: str

    def setting(self, reader: Reader, path: str) -> Setting:
        """Return where a page stands; ``path`` is the address that other languages link to."""
        service = localized(self.names, (reader.language.tag,)) or "Symbolon"
        return Setting(reader.language, path, service)

    def page(
        self, name: str, setting: Setting, content: Mapping[str, Any], targets: Iterable[str] = ()
    ) -> Answer:
        """Answer the page ``name``. ``targets`` are addresses where its forms may end up."""
        html = self.pages.render(name, setting, **content)
        status = 422 if content.get("fault") else 200
        return page_answer(html, status, [form_target(uri) for uri in targets])

    def message(self, message: Message, reader: Reader, call: Call) -> Answer:
        """Answer what happened."""
        html = self.pages.render(
            "message",
            self.setting(reader, _again(call) or self.home),
            heading=message.heading,
            lines=message.lines,
            ways_on=message.ways_on,
            reference=message.reference and call.request_id,
            reason=message.reason,
        )
        return page_answer(html, message.status)


def _again(call: Call) -> str:
    """Return the path that tells the same in another language; "" for a form.

    Without its query: what nobody proved (an address to go back to) is repeated nowhere.
    """
    return call.path if call.method == "GET" else ""
