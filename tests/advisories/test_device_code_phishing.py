"""A code or a link of an attacker's device that is sent to somebody (RFC 8628 §5.4).

Storm-2372 (2025) and its like: the victim was led straight to their usual login, and one click let
the attacker's device in.
"""

import pytest

from idp.stores.clients import Clients
from tests.journeys.devices import CONFIRM, TELEVISION, Device, to_question
from tests.journeys.login_world import ORIGIN, Site

pytestmark = pytest.mark.attack("A31")


@pytest.fixture
async def device(here: Site) -> Device:
    await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
    return Device(here)


async def test_a_link_alone_lets_nobody_in_even_who_agreed_before(
    here: Site, device: Device
) -> None:
    victim = here.browser()
    await here.logged_in(victim)
    for _ in range(2):
        code = (await device.asks())["user_code"]
        page = await victim.get((device.codes or {})["verification_uri_complete"])
        assert page.url == f"{ORIGIN}/device/{code}", "no redirect to a login"
        assert (await device.polls())["error"] == "authorization_pending"
        page = await victim.press(page, code, CONFIRM)
        if "/consent" in page.html:
            await victim.press(page, "/consent", ("decision", "accept"))
        assert "access_token" in await device.polls()


async def test_the_page_says_who_asks_from_where_and_when(here: Site, device: Device) -> None:
    code = (await device.asks())["user_code"]
    here.clock.time += 180
    page = await to_question(here.browser("192.0.2.5"), code)
    for said in ("Television", "198.51.100.7", "3 minutes", "Did somebody send you this code"):
        assert said in page.text


async def test_a_page_in_a_frame_or_of_another_site_confirms_nothing(
    here: Site, device: Device
) -> None:
    code = (await device.asks())["user_code"]
    page = await to_question(here.browser(), code)
    headers = page.response.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_what_the_device_asked_cannot_be_widened_by_the_link(
    here: Site, device: Device
) -> None:
    code = (await device.asks(scope="openid"))["user_code"]
    browser = here.browser()
    page = await browser.get(f"/device/{code}?scope=openid+profile&client_id=clinic&prompt=none")
    page = await browser.press(page, code, CONFIRM)
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    if "/consent" in page.html:
        await browser.press(page, "/consent", ("decision", "accept"))
    tokens = await device.polls()
    assert tokens["scope"] == "openid"
