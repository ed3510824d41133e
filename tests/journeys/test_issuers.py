"""Several issuers in one deployment share tables, a host perhaps, and nothing that they know."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from config.settings import Issuer
from idp.stores.clients import Clients
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CLINIC, ORIGIN, Site, site

HEALTH = "https://localhost/health"
HEALTH_CLINIC = replace(CLINIC, client_id="health-clinic", issuer=HEALTH)


@pytest.fixture
async def both(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer at the root of a host, and another one under a path of it."""
    second = Issuer(address=HEALTH, profile="oidc", name={"": "Health ID"}, algorithms=("ES256",))
    async with site(database, tmp_path, second) as running:
        await database.submit(Clients(database).insert(HEALTH_CLINIC))
        yield running


async def signed_in(here: Site, browser: Browser, path: str) -> Page:
    page = await browser.get(path)
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    return await browser.press(page, "/prove", otp=await here.code())


async def test_a_session_at_one_issuer_opens_nothing_at_the_other(both: Site) -> None:
    browser = both.browser()
    assert (await signed_in(both, browser, "/me")).url == f"{ORIGIN}/me"
    page = await browser.get("/health/me")
    assert page.has("individual_id"), "the other issuer asks who it is"
    silent = await browser.get("/health" + both.address(HEALTH_CLINIC, prompt="none"))
    assert silent.answer["error"] == "login_required"


async def test_somebody_is_signed_in_at_both_and_signs_out_of_one(both: Site) -> None:
    browser = both.browser()
    await signed_in(both, browser, "/me")
    assert (await signed_in(both, browser, "/health/me")).url == f"{HEALTH}/me"
    assert (await browser.get("/me")).url == f"{ORIGIN}/me", "the first session still stands"
    page = await browser.get("/health/logout")
    await browser.press(page, "/logout/confirm", ("decision", "continue"))
    assert (await browser.get("/health/me")).has("individual_id")
    assert (await browser.get("/me")).url == f"{ORIGIN}/me"


async def test_the_own_pages_of_one_issuer_tell_nothing_of_the_other(both: Site) -> None:
    browser = both.browser()
    await signed_in(both, browser, "/me")
    page = await signed_in(both, browser, "/health" + both.address(HEALTH_CLINIC))
    await browser.press(page, "/consent", ("decision", "accept"))
    assert "Clinic" not in (await browser.get("/me/history")).text
    assert "Clinic" in (await browser.get("/health/me/history")).text
    assert "Clinic" not in (await browser.get("/me/consents")).text
    for page in (await browser.get("/me/sessions"), await browser.get("/health/me/sessions")):
        ended = [form for form in page.reader.forms if form.action.endswith("/me/sessions")]
        assert len(ended) == 1, "one session here, and no others"


async def test_a_client_of_one_issuer_is_a_stranger_to_the_other(both: Site) -> None:
    page = await both.browser().get(both.address(HEALTH_CLINIC))
    assert page.status == 400 and page.url.startswith(ORIGIN)


async def test_each_issuer_explains_what_goes_wrong_under_its_own_name(both: Site) -> None:
    browser = both.browser()
    browser.headers = {"accept": "text/html"}
    for path, name, home in (
        ("/nowhere", "National ID", "/me"),
        ("/health/x", "Health ID", "/health/me"),
    ):
        page = await browser.get(path)
        assert page.status == 404 and name in page.text
        assert home in page.reader.links
