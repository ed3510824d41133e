"""The pages of the signing service, each at its longest, in every language."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from config.runtime.pages.pages import Setting
from config.settings import Pages as PageSettings
from esignet.endpoints.validation_page import Fault
from esignet.flows.hosted_parts import Measure
from esignet.flows.own_list import PER_LIST
from esignet.pages.hosted import places, sheet
from esignet.pages.own_list import shown_entries
from esignet.pages.room import load_pages
from esignet.pages.validation import DIGEST_COMMANDS, MOST, WHYS, ShownSignature
from esignet.protocol.hosted import PER_PAGE
from esignet.protocol.indications import FAILING, UNDECIDED
from esignet.validation.engine import Lack
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
    "fault": Fault("A heading", "A line", "A reason " * 20, "digest", "0" * 400),
    "largest": 20_000_000,
    "commands": DIGEST_COMMANDS,
    "again": True,
    "typed": "".join(sha256(b"%d" % number).hexdigest() for number in range(6)),
    "own": "https://id.example/me",
    "following": "1900000000." + "x" * 22,
    "summary": "A summary",
    "file": DOCUMENTS[1].label,
    "now": 1_900_000_000,
    "more": 7,
}
PAGES = load_pages(PageSettings())
PARTS = ("base", "compare", "footer")
NAMES = [name for name in PAGES.templates if name.startswith(("sign_", "validate", "mine"))]


def undecided(number: int, t: Callable[[str], str]) -> ShownSignature:
    """A signature of which everything is said that can be."""
    names = [sha256(b"%d %d" % (number, place)).hexdigest() for place in range(4)]
    return ShownSignature(
        number=number,
        state="locked",
        verdict=t("Cannot be decided"),
        why=t(max(WHYS.values(), key=len)),
        advice=t("Do not rely on it until that is settled. Ask whoever signed it."),
        code="INDETERMINATE REVOCATION_OUT_OF_BOUNDS_NO_POE",
        signer=names[0],
        is_pseudonym=True,
        organization=names[1],
        issuer=names[2],
        covers=tuple(f"{names[3]} {place}" for place in range(10)),
        unnamed=4,
        claimed_at=1_800_000_000,
        proven_at=1_800_000_000 + number,
        level="B-LTA",
        missing=tuple(t(lack.value) for lack in Lack),
        doubted=True,
    )


def listed(number: int) -> dict[str, Any]:
    """An entry of a person's own list: with long names, or with digests."""
    codes = [sha256(b"%d %d" % (number, place)).hexdigest() for place in range(20)]
    return {
        "signed_at": 1_800_000_000 + number,
        "client_id": "x",
        "client_name": codes[0] * 3,
        "format": "cades jades pades xades",
        "level": "B-B B-LT B-LTA B-T",
        "count": 500,
        "labels": [f"{code} and more of a name" for code in codes] if number % 2 else [],
        "digests": [] if number % 2 else [f"{code}{code[:20]}" for code in codes],
        "certificates": [code[:32] for code in codes],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_light_and_whole(name: str) -> None:
    for language in PAGES.languages.offered:
        shown = [undecided(number, language.t) for number in range(1, MOST + 1)]
        entries = shown_entries([listed(number) for number in range(PER_LIST)], language.tag)
        content = {**CONTENT, "signatures": shown, "entries": entries}
        html = PAGES.render(name, Setting(language, "/sign/x", "National ID"), **content)
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


def test_every_sub_indication_is_said_in_words() -> None:
    assert set(WHYS) == FAILING | UNDECIDED
