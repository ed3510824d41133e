"""prompt=create (Initiating User Registration via OpenID Connect 1.0): people without an ID."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Features, Issuer
from idp.stores.clients import Clients
from tests.journeys.login_world import CALLBACK, CLINIC, Site, site
from tests.signing import agreed, proven

NEW = "https://localhost/new"
ENROLMENT = "https://registry.example/apply?from=login"
SCHOOL = replace(CLINIC, client_id="school", issuer=NEW, authorization_details_types=())


@pytest.fixture
async def new(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer that knows where IDs are to be had, beside one that does not."""
    features = Features(enrolment_url=ENROLMENT)
    second = Issuer(address=NEW, profile="oidc", algorithms=("ES256",), features=features)
    async with site(database, tmp_path, second) as running:
        await database.submit(Clients(database).insert(SCHOOL))
        yield running


async def test_who_has_no_id_is_led_to_one_and_back(new: Site) -> None:
    browser = new.browser()
    page = await browser.get("/new" + new.address(SCHOOL, prompt="create"))
    [way] = [link for link in page.reader.links if link.startswith("https://registry.example/")]
    query = parse_qs(urlsplit(way).query)
    assert query["from"] == ["login"]
    assert query["return_to"] == [page.url]
    page = await browser.get(query["return_to"][0])
    page = await agreed(browser, await proven(new, browser, page))
    assert page.url.startswith(CALLBACK)
    assert page.answer["code"]


async def test_nobody_is_shown_that_unasked(new: Site) -> None:
    page = await new.browser().get("/new" + new.address(SCHOOL))
    assert not page.has("enrolment")


async def test_who_is_signed_in_is_asked_all_the_same(new: Site) -> None:
    browser = new.browser()
    page = await browser.get("/new" + new.address(SCHOOL))
    await agreed(browser, await proven(new, browser, page))
    page = await browser.get("/new" + new.address(SCHOOL, prompt="create"))
    assert page.has("enrolment")


async def test_where_there_is_no_such_page_the_request_is_refused(new: Site) -> None:
    page = await new.browser().get(new.address(prompt="create"))
    assert page.answer["error"] == "invalid_request"
    page = await new.browser().get("/new" + new.address(SCHOOL, prompt="create none"))
    assert page.answer["error"] == "invalid_request"


async def test_the_metadata_tell_which_prompts_there_are(new: Site) -> None:
    http = new.browser().client
    for path, offered in (("/new", True), ("", False)):
        told = (await http.get(f"{path}/.well-known/openid-configuration")).json()
        assert ("create" in told["prompt_values_supported"]) is offered


def test_the_page_is_an_https_address() -> None:
    with pytest.raises(ValueError, match="enrolment_url"):
        Issuer(address=NEW, features=Features(enrolment_url="javascript:alert(1)"))
