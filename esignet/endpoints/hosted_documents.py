"""What a person reads before they sign, and saves afterwards: pages, images, files.

Images and files are for the browser alone to which a page of the same link was shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.pages.visitors import Visitor
from config.runtime.web import Answer, Call, Route, bytes_answer
from esignet.endpoints.hosted_door import LinkDoor
from esignet.endpoints.page_door import PageDoor, page_route
from esignet.endpoints.request_answers import downloaded
from esignet.flows.hosted import Hosted, NoSuchLink
from esignet.flows.hosted_parts import Opened
from esignet.flows.request_contents import SignedDocument
from esignet.flows.requests import ToSee


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedDocuments:
    """``/sign/{ticket}/documents/...`` and ``/sign/{ticket}/signed/...``."""

    hosted: Hosted
    door: PageDoor
    link: LinkDoor
    clock: Clock
    origins: Sequence[str]

    def routes(self) -> Sequence[Route]:
        """Return the addresses."""
        one = "/sign/{ticket}/documents/{number}"
        addresses = {
            f"{one}/{{page}}": self.page,
            f"{one}/{{page}}/image/{{seal}}": self.image,
            f"{one}/file/{{seal}}": self.file,
            "/sign/{ticket}/signed/{number}/{seal}": self.signed,
        }
        return [
            page_route(path, "GET", self.door.page(self.link.claimed(show)), self.origins)
            for path, show in addresses.items()
        ]

    async def page(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Show a page of a document, as its text, or with the address of its image."""
        document, page = await self._document(opened, call), _number(call, "page")
        shown = await self.hosted.page(document, page)
        ticket = call.captured["ticket"]
        content = {
            "base": f"/sign/{ticket}",
            "title": document.label,
            "number": call.captured["number"],
            "page": page,
            "pages": shown.pages,
            "text": shown.text,
            "seal": visitor.token(f"see:{ticket}"),
        }
        setting = self.door.answers.setting(visitor, call.path)
        return self.door.answers.page("sign_document", setting, content)

    async def image(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Answer the image of a page."""
        _demand(call, visitor)
        document = await self._document(opened, call)
        shown = await self.hosted.page(document, _number(call, "page"))
        if not shown.png:
            raise NoSuchLink
        return bytes_answer(shown.png, "image/png")

    async def file(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Answer the document as a file to save."""
        _demand(call, visitor)
        document = await self._document(opened, call)
        return await self._saved(call, await self.hosted.original(opened, document))

    async def signed(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Answer a signed document as a file to save, to a signer who has signed."""
        _demand(call, visitor)
        if not opened.is_mine_signed:
            raise NoSuchLink
        number = _number(call, "number") - 1
        return await self._saved(call, await self.hosted.signed(opened, number))

    async def _saved(self, call: Call, document: SignedDocument) -> Answer:
        return downloaded(call, document, await self.hosted.requests.octets(document))

    async def _document(self, opened: Opened, call: Call) -> ToSee:
        waiting = await self.hosted.waiting(opened, self.clock.now())
        number = _number(call, "number")
        if not 0 < number <= len(waiting.documents):
            raise NoSuchLink
        return waiting.documents[number - 1]


def _demand(call: Call, visitor: Visitor) -> None:
    """Refuse a browser to which no page of this link was shown."""
    if not visitor.brought(call.captured["seal"], f"see:{call.captured['ticket']}"):
        raise NoSuchLink


def _number(call: Call, name: str) -> int:
    text = call.captured[name]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
