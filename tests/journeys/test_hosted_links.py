"""Links to our pages: of the browser that opened one first, one at a time, and not without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from hashlib import sha256

import pytest
import pytest_asyncio

from config.runtime.database.unit import Refused
from esignet.protocol.hosted import MOST_LINKS
from esignet.stores.links import Links
from tests.journeys.browsers import Browser, Page
from tests.journeys.hosted_world import BACK, House, hosted

LEASE = ("Lease.txt", "text/plain", b"The lease of the house\n")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with hosted(tmp_path_factory.mktemp("links")) as made:
        yield made


def is_refused(page: Page) -> bool:
    """Whether the page says that the link is another browser's, what to do, and the way on."""
    assert "Lease" not in page.text
    text = page.text.replace("\u2068", "").replace("\u2069", "")
    return (
        page.status == 403
        and "This link is used in another browser" in text
        and "ask Notary for a new link" in text
        and "https://notary.example" in page.reader.links
    )


@pytest.mark.attack("A13")
async def test_a_link_belongs_to_the_browser_that_went_on_first(house: House) -> None:
    _, link = await house.link(LEASE)
    mine, other = house.browser(), house.browser()
    first, forwarded = await mine.get(link), await other.get(link)
    assert first.status == 200 and "Lease" not in first.text, "before it is anybody's"
    assert "Lease.txt" in (await mine.press(first, "/open")).text
    assert is_refused(await other.press(forwarded, "/open"))
    for path in ("", "/documents/1/1", "/documents/1/file/x", "/signed/1/x"):
        assert is_refused(await other.get(link + path)), path
        assert is_refused(await house.browser().get(link + path)), path
    assert "Lease.txt" in (await mine.press(first, "/open")).text, "pressed twice"
    assert "Lease.txt" in (await mine.get(link)).text


async def test_what_only_looks_at_a_link_uses_nothing_up(house: House) -> None:
    _, link = await house.link(LEASE)
    scanner = house.browser()
    for method in ("HEAD", "GET", "GET"):
        await scanner.request(method, link)
    for path in ("/documents/1/1", "/documents/1/file/x", "/signed/1/x"):
        page = await scanner.get(link + path)
        assert page.url == link and page.form("/open"), path
    for form in ([], [("csrf", "x")]):
        forged = await scanner.request("POST", f"{link}/open", form)
        assert forged.status == 403 and link.endswith(forged.reader.links[1]), forged.html
        bare = await house.browser().request("POST", f"{link}/open", form)
        assert bare.status == 403 and "Your browser keeps no cookies" in bare.text
        assert link.endswith(bare.reader.links[1])
    bare = await house.browser().request("POST", f"{link}/start", [("csrf", "x")])
    assert bare.form("/open"), "nobody goes on before"
    assert "Lease.txt" in (await house.opened(house.browser(), link)).text


async def test_of_two_that_go_on_at_once_one_does(house: House) -> None:
    _, link = await house.link(LEASE)
    browsers = [house.browser() for _ in range(4)]

    async def raced(browser: Browser, page: Page) -> bool:
        return "Lease.txt" in (await browser.press(page, "/open")).text

    pages = [await browser.get(link) for browser in browsers]
    won = await asyncio.gather(*map(raced, browsers, pages))
    assert sorted(won) == [False, False, False, True]


async def test_a_claim_is_one_conditional_write(house: House) -> None:
    identifier, link = await house.link(LEASE)
    await house.opened(house.browser(), link)
    new = await house.another(identifier)
    newest = await house.another(identifier)
    database = house.here.world.database
    for address, is_free in ((link, False), (new, False), (newest, True), (newest, False)):
        ticket = sha256(address.rpartition("/")[2].encode()).digest()
        with nullcontext() if is_free else pytest.raises(Refused):
            await database.submit(Links.claimed(ticket, "b" * 43))


async def test_a_new_link_ends_the_one_before(house: House) -> None:
    identifier, old = await house.link(LEASE, signers=[{"label": "Tenant"}, {"label": "Owner"}])
    browser = house.browser()
    page = await house.agreed(await browser.press(await house.opened(browser, old), "/start"))
    owners = await house.another(identifier, 1)
    new = await house.another(identifier)
    for address in (page.url, old, f"{old}/documents/1/1"):  # the approval, too, leads nowhere
        ended = await browser.get(address)
        assert ended.status == 410 and "There is a newer link" in ended.text, address
        assert "https://notary.example" in ended.reader.links
    assert await house.state(identifier) == "open"
    other = house.browser()
    page = await other.press(await house.opened(other, new), "/start")
    assert "Others sign after you." in (await house.signed(other, page)).text
    assert "You sign as" in (await house.opened(house.browser(), owners)).text, "another signer's"


async def test_a_signer_gets_so_many_links_and_no_more(house: House) -> None:
    identifier, _ = await house.link(LEASE, signers=[{"label": "Tenant"}, {"label": "Owner"}])
    for _ in range(MOST_LINKS - 1):
        last = await house.another(identifier)
    path = f"/signature-requests/{identifier}/links"
    answer = await house.call("POST", path, {"return_to": BACK})
    assert answer.status_code == 422 and "make a new request" in answer.text
    assert "Lease.txt" in (await house.opened(house.browser(), last)).text, "the last one is good"
    assert (await house.call("POST", path, {"return_to": BACK, "signer": 1})).status_code == 201


async def test_links_made_at_once_leave_one(house: House) -> None:
    identifier, _ = await house.link(LEASE)
    path = f"/signature-requests/{identifier}/links"
    asked = [house.call("POST", path, {"return_to": BACK}) for _ in range(4)]
    answers = await asyncio.gather(*asked)
    assert {one.status_code for one in answers} <= {201, 503}
    made = [one.json()["sign_url"] for one in answers if one.status_code == 201]
    pages = [await house.browser().get(link) for link in made]
    assert sorted(page.status for page in pages) == [200] + [410] * (len(made) - 1)
