"""Signing on our own pages: from the link to the signed document, and every way it goes wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.journeys.hosted_world import BACK, SERVICE, House, hosted

LEASE = ("Lease.txt", "text/plain", b"The lease of the house\n")


@pytest.fixture
async def house(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[House]:
    async with hosted(database, tmp_path) as made:
        yield made


def read(text: str) -> str:
    """Words without the isolates that hold what is foreign apart."""
    return text.replace("\u2068", "").replace("\u2069", "")


async def test_a_person_reads_proves_agrees_and_signs(house: House) -> None:
    identifier, link = await house.link(LEASE)
    browser = house.browser()
    page = await browser.get(link)
    for shown in ("Notary asks you to sign", "Lease.txt", "notary.example", "Pages: 1"):
        assert shown in read(page.text), page.text
    document = await browser.get(f"{link}/documents/1/1")
    assert "The lease of the house" in document.text
    page = await house.agreed(await browser.press(page, "/start"))
    page = await browser.get(page.url)
    assert page.url.removeprefix(SERVICE) == link.removeprefix(SERVICE), page.text
    assert "You signed for Notary." in read(page.text)
    [saved] = [one for one in page.reader.links if "/signed/" in one]
    file = await browser.get(saved)
    assert file.status == 200 and file.response.content[:1] == b"\x30"
    assert await house.state(identifier) == "signed"
    [back] = [one for one in page.reader.links if one.startswith("https://notary.example/")]
    assert dict(parse_qsl(urlsplit(back).query)) == {
        "case": "7",
        "request": identifier,
        "state": "signed",
    }
    assert back.startswith(BACK)
