"""A factor that is locked while a login of it goes on in some browser (Keycloak CVE-2026-9798).

Nothing is silent any more: no single sign-on, no device let in, no request approved.
"""

import pytest

from tests.backchannel import ask, known, poll, refusal
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser
from tests.journeys.devices import CONFIRM, TELEVISION, Device, to_question
from tests.journeys.login_world import ORIGIN, Site
from tests.signing import opening, push

pytestmark = pytest.mark.attack("A21")


async def signed_in(here: Site) -> Browser:
    """A browser that knows the person, who agreed to everything before."""
    browser = here.browser()
    await here.logged_in(browser)
    return browser


async def locked(here: Site) -> None:
    lock = here.world.residents.lock(here.world.amina.id, ("otp", "pin", "totp"), here.clock.now())
    await here.world.database.submit(lock)


async def test_a_pushed_request_is_not_answered_silently(here: Site) -> None:
    browser = await signed_in(here)
    before = await browser.get(opening(await push(here)))
    assert "code" in before.answer, "single sign-on"
    await locked(here)
    page = await browser.get(opening(await push(here)))
    assert page.url.startswith(ORIGIN) and "code" not in page.answer
    silent = await browser.get(opening(await push(here, prompt="none")))
    assert silent.answer["error"] == "login_required"


async def test_no_device_is_let_in(here: Site) -> None:
    client = await known(here, TELEVISION)
    device, browser = Device(here, client), await signed_in(here)
    page = await to_question(browser, (await device.asks())["user_code"])
    await locked(here)
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    assert page.has("individual_id") or page.status >= 400
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    assert not page.url.endswith("/device/done")
    assert (await device.polls())["error"] == "authorization_pending"


async def test_no_backchannel_request_is_approved(here: Site) -> None:
    await known(here)
    auth_req_id = (await ask(here)).json()["auth_req_id"]
    browser = await signed_in(here)
    listed = await browser.get("/me/approvals")
    await locked(here)
    page = await browser.press(listed, "/me/approvals", ("decision", "approve"))
    assert not page.url.endswith("/approvals/done")
    page = await browser.get("/me/approvals")
    assert page.has("individual_id"), "the session is worth nothing"
    assert refusal(await poll(here, auth_req_id)) == "authorization_pending"


async def test_nobody_who_is_locked_is_told_from_nobody(here: Site) -> None:
    """The client learns neither: the request waits, and nobody is disturbed."""
    await known(here)
    await locked(here)
    answers = [await ask(here, login_hint=hint) for hint in (AMINA["national_id"], "9999999999")]
    assert answers[0].json().keys() == answers[1].json().keys()
    for answer in answers:
        waits = refusal(await poll(here, answer.json()["auth_req_id"]))
        assert waits == "authorization_pending"
