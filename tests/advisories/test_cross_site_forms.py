"""Another site's page that posts into a login, a consent or a logout.

GHSA-fg6f-75jq-6523 ("1-click account takeover"), Authlib before 1.6.11 (state bound to no session).
"""

import pytest

from tests.journeys.login_world import ORIGIN, Site

pytestmark = pytest.mark.attack("A12")

FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": f"{ORIGIN}.evil.example"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_consent_is_given_on_our_page_only(here: Site, headers: dict[str, str]) -> None:
    browser = here.browser()
    page = await here.proven(browser)
    form = page.form("/consent")
    fields = [*form.fields, ("decision", "accept")]
    assert (await browser.request("POST", form.action, fields, **headers)).status == 403
    no_token = [(name, value) for name, value in fields if name != "csrf"]
    assert (await browser.request("POST", form.action, no_token)).status == 403
    assert "code" in (await browser.press(page, "/consent", ("decision", "accept"))).answer


async def test_a_picture_logs_nobody_out(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    await browser.get("/logout", sec_fetch_site="cross-site", sec_fetch_dest="image")
    await browser.request("POST", "/logout", [], sec_fetch_site="cross-site")
    await browser.request("POST", "/logout/confirm", [("decision", "continue")])
    assert "code" in (await browser.get(here.address(prompt="none"))).answer
