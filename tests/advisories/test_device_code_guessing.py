"""Guessing the codes that devices show (RFC 8628 §5.1), and locking others out by guessing.

Limits that are counted for a network or for everybody are what an attacker uses up on purpose:
here they only mean that people sign in before they type their code.
"""

import pytest
from sqlalchemy import select

from config.runtime.database.unit import Statement
from config.runtime.entropy import SystemEntropy
from idp.protocol.device import RANDOM_DIGITS, user_code
from idp.stores.clients import Clients
from idp.stores.oauth_tables import decoupled
from tests.journeys.browsers import Browser, Page
from tests.journeys.devices import ACCEPT, CONFIRM, TELEVISION, Device, approve, to_question
from tests.journeys.login_world import ORIGIN, Site

ALL = Statement(select(decoupled.c.state))


@pytest.fixture
async def device(here: Site) -> Device:
    await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
    return Device(here)


async def guess(browser: Browser, times: int = 1) -> Page:
    """Open so many codes that nobody has; return what the last one said."""
    for _ in range(times):
        page = await browser.get(f"/device/{user_code(SystemEntropy().digits(RANDOM_DIGITS))}")
    return page


async def test_a_guesser_must_say_who_they_are(here: Site) -> None:
    browser = here.browser()
    assert (await guess(browser, 3)).status == 422
    assert (await guess(browser)).status == 429, "the budget of the browser"
    assert (await guess(here.browser(), 2)).status == 422
    assert (await guess(here.browser())).status == 429, "the budget of the network"
    assert (await guess(here.browser("203.0.113.77"), 3)).status == 422
    assert (await guess(here.browser("203.0.113.78"))).status == 429, "everybody's"
    here.clock.time += 3600
    assert (await guess(browser)).status == 422


async def test_nobody_is_locked_out_by_who_guesses(here: Site, device: Device) -> None:
    code = (await device.asks())["user_code"]
    await guess(here.browser(), 3)
    await guess(here.browser(), 3)
    neighbour = here.browser()
    page = await to_question(neighbour, code)
    assert page.status == 429 and "sign in first" in page.text
    page = await neighbour.get("/device/enter")
    page = await neighbour.press(page, "/identify", individual_id="4821009637")
    page = await neighbour.press(page, "/prove", otp=await here.code())
    assert page.url == f"{ORIGIN}/device"
    page = await neighbour.press(page, "/device", user_code=code)
    assert code in page.text
    page = await neighbour.press(page, code, CONFIRM)
    page = await neighbour.press(page, "/consent", ACCEPT)
    assert "access_token" in await device.polls()


async def test_who_is_signed_in_uses_up_nothing_but_their_own(here: Site, device: Device) -> None:
    guesser = here.browser()
    await here.logged_in(guesser)
    assert (await guess(guesser, 2)).status == 422
    page = await guess(guesser)
    assert page.status == 429 and page.response.headers["retry-after"]
    code = (await device.asks())["user_code"]
    assert code in (await to_question(here.browser(), code)).text


async def test_right_codes_and_slips_of_the_finger_cost_nothing(here: Site, device: Device) -> None:
    browser, code = here.browser(), (await device.asks())["user_code"]
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    for _ in range(9):
        assert code in (await to_question(browser, code)).text
        page = await to_question(browser, wrong)
        assert page.status == 422 and page.url == f"{ORIGIN}/device"
    assert (await approve(here, browser, await to_question(browser, code))).status == 200


async def test_a_code_is_nowhere_as_it_was_shown(here: Site, device: Device) -> None:
    """Who reads the database can let no device in, and collect nothing."""
    codes = await device.asks()
    rows = await here.world.database.rows(ALL)
    kept = b"".join(bytes(row["state"]) for row in rows).decode()
    assert rows and codes["device_code"] not in kept
    assert codes["user_code"] not in kept and codes["user_code"].replace("-", "") not in kept
