"""A login that an attacker began, finished by the victim; a session that was there before.

Keycloak CVE-2026-7507 (restart endpoint) and CVE-2025-12390, Ory Hydra#753 and #770.
"""

import pytest

from tests.journeys.login_world import Site

pytestmark = pytest.mark.attack("A13")


async def test_a_victim_cannot_finish_the_login_of_an_attacker(here: Site) -> None:
    attacker, victim = here.browser(), here.browser()
    page = await attacker.get(here.address())
    handed = await victim.get(page.url)
    assert handed.status == 404
    token = dict(page.form("/identify").fields)["csrf"]
    form = [("csrf", token), ("individual_id", "4821009637")]
    sent = await victim.request("POST", page.form("/identify").action, form)
    assert sent.status == 404
    assert not await here.world.letters()


async def test_a_planted_session_is_not_the_one_that_is_logged_in(here: Site) -> None:
    browser = here.browser()
    for name in ("__Host-symbolon", "__Host-symbolon-session"):
        browser.client.cookies.set(name, "A" * 43)
    await here.logged_in(browser)
    found = [c.value for c in browser.client.cookies.jar if c.name == "__Host-symbolon-session"]
    assert any(value and value != "A" * 43 for value in found)
    thief = here.browser()
    for name in ("__Host-symbolon", "__Host-symbolon-session"):
        thief.client.cookies.set(name, "A" * 43)
    assert (await thief.get(here.address(prompt="none"))).answer["error"] == "login_required"


@pytest.mark.parametrize("form", ["identify", "prove", "consent", "cancel", "account", "factor"])
async def test_no_get_changes_a_login(here: Site, form: str) -> None:
    browser = here.browser()
    page = await here.named(browser)
    await browser.get(f"{page.url}/{form}?decision=accept&otp={await here.code()}")
    again = await browser.get(page.url)
    assert again.has("otp")
