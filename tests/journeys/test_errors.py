"""Every refusal leads to a page that says what it means and what to do."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Issuer
from idp.pages.error_reference import error_reference
from tests.journeys.login_world import CALLBACK, ORIGIN, Site, site

URI = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)  # RFC 6749 §5.2
HEALTH = f"{ORIGIN}/health"


@pytest.fixture
async def both(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer at the root of a host, and another one under a path of it."""
    second = Issuer(address=HEALTH, name={"": "Health ID"}, algorithms=("ES256",))
    async with site(database, tmp_path, second) as running:
        yield running


@pytest.mark.spec("RFC 6749 §5.2")
async def test_a_refusal_as_json_leads_to_its_page(both: Site) -> None:
    browser = both.browser()
    for path in ("", "/health"):
        wrong = await browser.client.post(f"{path}/token", data={"grant_type": "x"})
        told = wrong.json()
        assert told["error_uri"] == f"{ORIGIN}{path}/errors/{told['error']}"
        assert URI.fullmatch(told["error_uri"])
        assert (await browser.get(told["error_uri"])).status == 200


@pytest.mark.spec("RFC 6749 §5.2")
async def test_what_no_endpoint_answered_leads_to_a_page_too(here: Site) -> None:
    client = here.browser().client
    for answer in (
        await client.get("/token"),
        await client.post("/token", json={}),
        await client.post("/token", content=b"x" * 100_000),
    ):
        assert answer.json()["error_uri"] == f"{ORIGIN}/errors/invalid_request"
    lost = await client.get("/nowhere")
    assert "error_uri" not in lost.json(), "nobody knows whose address it should have been"


@pytest.mark.spec("RFC 6750 §3")
async def test_a_challenge_leads_to_its_page(here: Site) -> None:
    client = here.browser().client
    answer = await client.get("/userinfo", headers={"authorization": "Bearer wrong"})
    challenge = answer.headers["www-authenticate"]
    assert f'error_uri="{ORIGIN}/errors/invalid_token"' in challenge
    unasked = await client.get("/userinfo")
    assert "error" not in unasked.headers["www-authenticate"], "RFC 6750 §3.1"


@pytest.mark.spec("RFC 6749 §4.1.2.1")
async def test_an_answer_to_the_client_leads_to_its_page(here: Site) -> None:
    page = await here.browser().get(here.address(prompt="none"))
    assert page.url.startswith(CALLBACK)
    assert page.answer["error_uri"] == f"{ORIGIN}/errors/login_required"


async def test_every_code_has_a_page_and_the_index_leads_to_it(here: Site) -> None:
    browser = here.browser()
    index = await browser.get("/errors")
    assert index.status == 200
    for code in error_reference():
        assert f"/errors/{code}" in index.reader.links
        page = await browser.get(f"/errors/{code}")
        assert page.status == 200 and code in page.text and "/errors" in page.reader.links


async def test_the_page_of_a_code_says_the_description_and_the_remedy(here: Site) -> None:
    page = await here.browser().get("/errors/invalid_request")
    assert "redirect_uri is not registered for this client" in page.text
    assert "symbolon rp show" in page.text and "`" not in page.text


async def test_a_code_that_nobody_knows_is_a_page_with_a_way_back(here: Site) -> None:
    page = await here.browser().get("/errors/no_such_code")
    assert page.status == 404 and "/errors" in page.reader.links


async def test_the_frame_is_in_the_visitors_language_and_the_reference_says_its_own(
    here: Site,
) -> None:
    browser = here.browser()
    page = await browser.get("/errors/invalid_grant", accept_language="ar")
    assert '<html lang="ar" dir="rtl">' in page.html
    assert '<div lang="en" dir="ltr">' in page.html
    assert "/errors/invalid_grant?lang=fr" in page.reader.links


async def test_a_page_is_kept_by_the_browser_and_gives_it_nothing(here: Site) -> None:
    browser = here.browser()
    page = await browser.get("/errors/invalid_grant")
    assert page.response.headers["cache-control"] == "private, max-age=3600"
    assert "set-cookie" not in page.response.headers
    chosen = await browser.get("/errors/invalid_grant?lang=fr")
    assert chosen.response.headers["cache-control"] == "no-store"
    assert "Codes d’erreur" in chosen.text
