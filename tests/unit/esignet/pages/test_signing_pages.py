"""The pages of the signing service, each at its longest, in every language."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from config.runtime.pages.pages import Setting
from config.settings import Pages as PageSettings
from esignet.flows.hosted_parts import Measure
from esignet.pages.hosted import places, sheet
from esignet.pages.room import load_pages
from esignet.protocol.hosted import PER_PAGE
from tests.page_judging import judge_structure, weight


@dataclass(frozen=True)
class Waiting:
    """A document whose name and digest no compression shortens."""

    number: int

    @property
    def label(self) -> str:
        return f"Contract of {self.number} rooms, with {self.file.hex()}"

    @property
    def digest(self) -> bytes:
        return sha256(b"digest %d" % self.number).digest()

    @property
    def file(self) -> bytes:
        return sha256(b"file %d" % self.number).digest()

    @property
    def media_type(self) -> str:
        return "application/pdf"


MEASURE = Measure(7, 123_456)
DOCUMENTS = [Waiting(number) for number in range(500)]
SHOWN = places(500, "2")
TEXT = "".join(sha256(b"%d" % number).hexdigest()[:40] + "\n" for number in range(100))[:PER_PAGE]
CONTENT: dict[str, Any] = {
    "base": "/sign/" + "x" * 43,
    "client": "A long name of a client",
    "host": "client.example",
    "signer": "The tenant of the second floor",
    "seal": "s" * 43,
    "csrf": "c" * 43,
    "refused": True,
    "sheet": sheet(DOCUMENTS, [MEASURE] * 20, SHOWN, "SHA-256"),
    "title": DOCUMENTS[1].label,
    "number": "1",
    "page": 2,
    "pages": 3,
    "text": TEXT,
    "heading": "A heading",
    "line": "A line",
    "lines": ["A line"] * 3,
    "seconds": 3,
    "count": 500,
    "others": False,
    "first": 21,
    "last": 40,
    "before": 1,
    "after": 3,
    "until": "2027",
    "back": "https://client.example/" + "x" * 400,
    "ways_on": [],
    "reference": "x" * 16,
    "reason": "",
}
PAGES = load_pages(PageSettings())
PARTS = ("base", "compare", "footer")
NAMES = [name for name in PAGES.templates if name.startswith("sign_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_light_and_whole(name: str) -> None:
    for language in PAGES.languages.offered:
        html = PAGES.render(name, Setting(language, "/sign/x", "National ID"), **CONTENT)
        assert weight(html, PAGES.look) <= 14_000, language.tag
        assert f'<html lang="{language.tag}" dir="{language.direction}">' in html
        judge_structure(html)


def test_sheets_hold_every_document_once() -> None:
    for total in (1, 19, 20, 21, 500):
        seen: list[int] = []
        number = "1"
        while number != "0":
            shown = places(total, number)
            one = sheet(DOCUMENTS[:total], [MEASURE] * len(shown), shown, "SHA-256")
            seen += [document.number for document in one.documents]
            number = str(one.after)
        assert seen == list(range(1, total + 1))
    for wrong in ("0", "27", "x", "-1", "²", "9999", ""):
        assert places(500, wrong) == range(20)
