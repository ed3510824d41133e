"""Signing on our own pages: from the link to the signed document, and every way it goes wrong."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

from esignet.protocol.signature_request import Slot
from esignet.stores.requests import SignatureRequests
from tests import pdf_files
from tests.journeys.hosted_world import BACK, SERVICE, House, hosted

LEASE = ("Lease.txt", "text/plain", b"The lease of the house\n")


pytestmark = pytest.mark.asyncio(loop_scope="module")


# Starting it takes longer than any test here; each test has requests and browsers of its own.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with hosted(tmp_path_factory.mktemp("hosted")) as made:
        yield made


def read(text: str) -> str:
    """Words without the isolates that hold what is foreign apart."""
    return text.replace("\u2068", "").replace("\u2069", "")


async def test_a_person_reads_proves_agrees_and_signs(house: House) -> None:
    identifier, link = await house.link(LEASE)
    browser = house.browser()
    page = await house.opened(browser, link)
    for shown in ("Notary asks you to sign", "Lease.txt", "notary.example", "Pages: 1"):
        assert shown in read(page.text), page.text
    document = await browser.get(f"{link}/documents/1/1")
    assert "The lease of the house" in document.text
    page = await house.signed(browser, await browser.press(page, "/start"))
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


CONTRACT = pdf_files.document(3)


async def test_a_pdf_is_shown_page_by_page_and_saved(house: House) -> None:
    document = ("Contract.pdf", "application/pdf", CONTRACT)
    identifier, link = await house.link(document, format="pades", level="B-T")
    browser = house.browser()
    page = await house.opened(browser, link)
    assert "Pages: 3" in read(page.text)
    [image] = [values["src"] for tag, values in page.reader.tags if tag == "img"]
    png = (await browser.get(image)).response
    assert png.headers["content-type"] == "image/png" and png.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert png.headers["cache-control"] == "no-store"
    last = await browser.get(f"{link}/documents/1/3")
    assert "Page 3 of 3" in read(last.text) and "Page before" in last.text
    assert "Next page" not in last.text
    [saved] = [one for one in last.reader.links if "/file/" in one]
    file = (await browser.get(saved)).response
    assert file.content == CONTRACT and "Contract.pdf" in str(file.headers)
    consent = await house.consent(house.here.browser(), await browser.press(page, "/start"))
    assert "Pages: 3" in read(consent.text) and "Contract.pdf" in consent.text
    assert (await browser.get(f"{link}/documents/1/4")).status == 422
    assert await house.state(identifier) == "open"


@pytest.mark.attack("A10")
async def test_what_a_text_hides_is_seen(house: House) -> None:
    text = "Pay \u202e001\u202c to Ana\u200b <script>alert(1)</script>".encode()
    _, link = await house.link(("Note.txt", "text/plain", text))
    browser = house.browser()
    await house.opened(browser, link)
    page = await browser.get(f"{link}/documents/1/1")
    assert "Pay [U+202E]001[U+202C] to Ana[U+200B] <script>alert(1)</script>" in page.text
    assert "<script>alert" not in page.html


async def test_who_does_not_want_to_sign_says_so(house: House) -> None:
    identifier, link = await house.link(LEASE)
    browser = house.browser()
    page = await browser.press(await house.opened(browser, link), "/reject")
    assert "This was not signed" in page.text
    [back] = [one for one in page.reader.links if one.startswith("https://notary.example/")]
    assert dict(parse_qsl(urlsplit(back).query))["state"] == "rejected"
    assert await house.state(identifier) == "rejected"


async def test_who_refuses_at_the_issuer_can_still_decide(house: House) -> None:
    identifier, link = await house.link(LEASE)
    browser = house.browser()
    page = await house.agreed(
        await browser.press(await house.opened(browser, link), "/start"), ("decision", "deny")
    )
    page = await browser.get(page.url)
    assert "You did not sign." in page.text and await house.state(identifier) == "open"
    page = await house.signed(browser, await browser.press(page, "/start"))
    assert "You signed for Notary." in read(page.text)


@pytest.mark.attack("A13")
async def test_a_code_is_good_in_the_browser_that_asked_for_it_alone(house: House) -> None:
    identifier, link = await house.link(LEASE)
    mine, other = house.browser(), house.browser()
    page = await house.agreed(await mine.press(await house.opened(mine, link), "/start"))
    for browser in (house.browser(), other):  # one that was never here, and one that was
        if browser is other:
            await other.get(link)
        assert (await browser.get(page.url)).status in (403, 404)
        assert await house.state(identifier) == "open"


@pytest.mark.attack("A16")
@pytest.mark.spec("RFC 9207 §2.4")
async def test_an_answer_that_is_not_the_issuers_signs_nothing(house: House) -> None:
    identifier, link = await house.link(LEASE)
    _, other = await house.link(("Other.txt", "text/plain", b"something else\n"))
    browser = house.browser()
    page = await house.agreed(await browser.press(await house.opened(browser, link), "/start"))
    answer = page.answer
    state = answer["state"].replace(link.rpartition("/")[2], other.rpartition("/")[2])
    for changes in (
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"state": state},  # to sign another request with this approval
        {"state": answer["state"][:-1]},
        {"state": ""},
        {"code": "x" * 43},
    ):
        query = "&".join(f"{k}={v}" for k, v in {**answer, **changes}.items())
        assert (await browser.get(f"/sign/callback?{query}")).status in (403, 404, 409), changes
    assert await house.state(identifier) == "open"


@pytest.mark.attack("A12")
@pytest.mark.parametrize("name", ["start", "reject"])
async def test_only_a_form_that_this_browser_was_shown_is_taken(house: House, name: str) -> None:
    identifier, link = await house.link(LEASE)
    (_, other), (_, third) = await house.link(LEASE), await house.link(LEASE)
    browser, posted = house.browser(), house.loop.posted
    theirs = await house.opened(house.browser(), other)
    mine, elsewhere = await house.opened(browser, link), await house.opened(browser, third)
    forged = [dict(page.form(f"/{name}").fields)["csrf"] for page in (theirs, elsewhere)]
    for csrf in ("", "x", *forged):
        page = await browser.request("POST", f"{link}/{name}", [("csrf", csrf)])
        assert page.status == 403, csrf
    good = dict(mine.form(f"/{name}").fields)["csrf"]
    crossed = await browser.request(
        "POST", f"{link}/{name}", [("csrf", good)], sec_fetch_site="cross-site"
    )
    assert crossed.status == 403 and await house.state(identifier) == "open"
    assert house.loop.posted == posted


async def test_images_and_files_are_for_the_browser_that_saw_the_page(house: House) -> None:
    _, link = await house.link(LEASE)
    browser, other = house.browser(), house.browser()
    await house.opened(browser, link)
    [saved] = [
        one for one in (await browser.get(f"{link}/documents/1/1")).reader.links if "/file/" in one
    ]
    await other.get(link)
    assert (await browser.get(saved)).status == 200
    assert (await other.get(saved)).status == 403
    assert (await house.browser().get(saved)).status == 403
    assert (await browser.get(f"{link}/signed/1/{saved.rpartition('/')[2]}")).status == 404


REFUSED: tuple[tuple[object, int], ...] = (
    ("https://evil.example/cb", 422),
    ("https://notary.example.evil.example/", 422),
    ("https://notary.example@evil.example/", 400),
    ("https://notary.example:444/", 422),
    ("http://notary.example/", 422),
    ("//evil.example", 400),
    ("/done", 400),
    ("javascript:alert(1)", 400),
    ("https://notary.example/#x", 400),
    ("https://notary.example\\@evil.example/", 400),
    ("https://notary.example/\nLocation:x", 400),
    ("https://notary.example/?state=signed", 422),
    ("https://notary.example/" + "x" * 2000, 400),
    (None, 400),
    (7, 400),
)


@pytest.mark.attack("A8")
@pytest.mark.attack("A9")
async def test_people_are_sent_back_to_the_relying_party_alone(house: House) -> None:
    identifier, _ = await house.link(LEASE)
    path = f"/signature-requests/{identifier}/links"
    for address, status in REFUSED:
        answer = await house.call("POST", path, {"return_to": address})
        assert answer.status_code == status, (address, answer.text)
        assert "evil" not in answer.text


async def test_links_are_made_by_who_made_the_request(house: House) -> None:
    identifier, _ = await house.link(LEASE)
    path = f"/signature-requests/{identifier}/links"
    wanted = {"return_to": BACK}
    for body in ({**wanted, "signer": 1}, {**wanted, "signer": -1}):
        assert (await house.call("POST", path, body)).status_code == 422
    for body in ({**wanted, "signer": "0"}, {**wanted, "x": 1}, [], "x"):
        assert (await house.call("POST", path, body)).status_code == 400
    assert (await house.call("POST", path.replace(identifier, "x" * 43), wanted)).status_code == 404
    client = house.browser().client
    assert (await client.post(path, json=wanted)).status_code == 401
    await house.call("DELETE", f"/signature-requests/{identifier}")
    assert (await house.call("POST", path, wanted)).status_code == 409


async def test_a_link_that_nobody_made_or_that_ended_shows_nothing(house: House) -> None:
    identifier, link = await house.link(LEASE, expires_in=60)
    page = await house.browser().get(f"/sign/{'x' * 43}")
    assert page.status == 404 and "There is nothing to sign here" in page.text
    await house.call("DELETE", f"/signature-requests/{identifier}")
    page = await house.browser().get(link)
    assert page.status == 410 and "gave this up" in page.text and "Lease" not in page.text
    _, late = await house.link(LEASE, expires_in=60)
    house.here.clock.time += 61
    page = await house.browser().get(late)
    assert page.status == 410 and "This took too long" in page.text and "Lease" not in page.text
    assert any("state=expired" in one for one in page.reader.links)
    house.here.clock.time += 86_400
    assert (await house.browser().get(late)).status == 404
    house.here.clock.time -= 86_461


async def test_signers_have_their_own_links_and_turns(house: House) -> None:
    identifier, first = await house.link(LEASE, signers=[{"label": "Tenant"}, {"label": "Owner"}])
    second = await house.another(identifier, 1)
    browser = house.browser()
    page = await house.opened(browser, second)
    assert "It is not your turn yet" in page.text and 'http-equiv="refresh"' in page.html
    page = await house.opened(browser, first)
    assert "You sign as: Tenant" in read(page.text)
    page = await house.signed(browser, await browser.press(page, "/start"))
    assert "Others sign after you." in page.text
    page = await browser.get(second)
    assert "You sign as: Owner" in read(page.text)
    page = await house.signed(browser, await browser.press(page, "/start"))
    assert page.status == 409 and "You have signed this already" in page.text
    assert await house.state(identifier) == "open"


async def test_while_the_issuer_is_away_nothing_is_lost(house: House) -> None:
    identifier, link = await house.link(LEASE)
    browser = house.browser()
    page = await house.opened(browser, link)
    house.loop.away = "network"
    away = await browser.press(page, "/start")
    assert away.status == 503 and "This does not work at the moment" in away.text
    house.loop.away = ""
    page = await house.signed(browser, await browser.press(page, "/start"))
    assert await house.state(identifier) == "signed"


async def test_the_page_speaks_the_language_of_its_reader(house: House) -> None:
    _, link = await house.link(LEASE)
    browser = house.browser()
    page = await browser.press(await browser.get(f"{link}?lang=fr"), "/open")
    assert "Le notaire vous demande de signer" in read(page.text)
    consent = await house.consent(house.here.browser(), await browser.press(page, "/start"))
    assert "Le notaire" in consent.text and 'lang="fr"' in consent.html
    page = await browser.get(f"{link}?lang=ar")
    assert 'dir="rtl"' in page.html


async def test_an_uploaded_pdf_is_shown_where_it_lies(tmp_path: Path) -> None:
    async with hosted(tmp_path, largest_document=100) as house:  # it stays an upload
        headers = {"authorization": f"Bearer {house.token}", "content-type": "application/pdf"}
        client = house.browser().client
        answer = await client.post("/documents", content=CONTRACT, headers=headers)
        assert answer.status_code == 201, answer.text
        document = {"name": "Contract.pdf", "document": answer.json()["id"]}
        asked = {"format": "pades", "level": "B-T", "documents": [document]}
        made = await house.call("POST", "/signature-requests", asked)
        assert made.status_code == 201, made.text
        browser = house.browser()
        page = await house.opened(browser, await house.another(made.json()["id"]))
        assert "Pages: 3" in read(page.text)
        [image] = [values["src"] for tag, values in page.reader.tags if tag == "img"]
        assert (await browser.get(image)).response.content[:4] == b"\x89PNG"
        last = await browser.get(f"{page.url}/documents/1/3")
        [saved] = [one for one in last.reader.links if "/file/" in one]
        assert (await browser.get(saved)).response.content == CONTRACT
        page = await house.signed(browser, await browser.press(page, "/start"))
        [saved] = [one for one in page.reader.links if "/signed/" in one]
        signed = (await browser.get(saved)).response.content
        assert signed.startswith(CONTRACT) and b"/ByteRange" in signed


async def test_whoever_comes_while_it_is_being_signed_waits_and_goes_on(house: House) -> None:
    identifier, link = await house.link(LEASE)
    store = SignatureRequests(house.here.world.database)
    request = await store.find(identifier)
    assert request is not None
    now = house.here.clock.now()
    taken = request.taken(0, Slot(signer="s", approval="a"), now, now + 30)
    await store.database.submit(store.moved(request, taken))
    browser = house.browser()
    page = await house.opened(browser, link)
    assert "Your signature is being made" in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.html
    await store.database.submit(store.moved(taken, taken.failed("signature_lost")))
    page = await browser.get(link)
    assert page.status == 410 and "This could not be signed" in page.text
    assert any("state=failed" in one for one in page.reader.links)


async def test_no_page_is_a_dead_end(house: House) -> None:
    _, link = await house.link(LEASE)
    browser = house.browser()
    await house.opened(browser, link)
    for page in (
        await browser.get(f"{link}/documents/1/0"),
        await browser.get(f"{link}/documents/1/9"),
        await browser.request("POST", f"{link}/start", [("csrf", "x")]),
    ):
        assert page.status in (403, 422) and link.removeprefix(SERVICE) in page.reader.links
    for path in ("/documents/2/1", "/documents/x/1", "/documents/1/1/image/x", "/signed/1/x"):
        assert (await browser.get(link + path)).status == 404, path


async def test_a_request_made_with_a_way_back_has_a_link_for_each_signer(house: House) -> None:
    document = {"name": "Lease.txt", "media_type": "text/plain", "content": "eA=="}
    asked = {
        "format": "cades",
        "documents": [document],
        "signers": [{"label": "Tenant"}, {"label": "Owner"}],
        "return_to": BACK,
    }
    made = (await house.call("POST", "/signature-requests", asked)).json()
    tenant, owner = [await house.opened(house.browser(), url) for url in made["sign_urls"]]
    assert "You sign as: Tenant" in read(tenant.text)
    assert "It is not your turn yet" in owner.text
    before = house.here.world.database.asked.count("submit 7")
    for address, status in REFUSED[:3]:
        answer = await house.call("POST", "/signature-requests", {**asked, "return_to": address})
        assert answer.status_code == status, answer.text
    assert house.here.world.database.asked.count("submit 7") == before, "nothing was begun"


async def test_who_signed_learns_that_another_would_not(house: House) -> None:
    identifier, first = await house.link(LEASE, signers=[{"label": "Tenant"}, {"label": "Owner"}])
    browser = house.browser()
    page = await browser.press(await house.opened(browser, first), "/start")
    page = await house.signed(browser, page)
    assert "Others sign after you." in page.text
    other = house.browser()
    second = await house.opened(other, await house.another(identifier, 1))
    assert "This was not signed" in (await other.press(second, "/reject")).text
    assert "This was not signed" in (await browser.get(first)).text
    assert await house.state(identifier) == "rejected"
