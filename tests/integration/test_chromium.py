"""A real browser walks logins: with and without JavaScript, by keyboard, by each factor."""

from base64 import b32decode
from collections.abc import Iterator
from time import time
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, Route

from idp.factors.totp import code as totp_code
from tests.demonstration import Demonstration
from tests.integration.chromium import (
    ACCEPT,
    CONTINUE,
    DENY,
    Visits,
    fits,
    picture,
    until,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
]

SINK = "http://127.0.0.1:8765/cb"
RESEND_DELAY = 45
"""Seconds, with room to spare: the default of ``factors.otp.resend_delay`` is 30."""

PICTURED = {"viewport": {"width": 800, "height": 560}, "locale": "en"}


@pytest.fixture(scope="module")
def early(browser: Browser, demo: Demonstration) -> Iterator[tuple[Visits, Page, int]]:
    """A login that was sent its first code before the other tests: another one is due later."""
    visits = Visits(browser, demo)
    page = visits.page(java_script_enabled=False)
    known = visits.name(page, 12)
    yield visits, page, known
    visits.close()


@pytest.fixture
def visits(
    browser: Browser, demo: Demonstration, early: tuple[Visits, Page, int]
) -> Iterator[Visits]:
    made = Visits(browser, demo)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("javascript", "number"), [(False, 0), (True, 1)], ids=["without script", "with script"]
)
def test_a_resident_logs_in_at_the_relying_party(
    visits: Visits, javascript: bool, number: int
) -> None:
    page = visits.page(java_script_enabled=javascript, **PICTURED)
    page.goto(f"{visits.service}/login")
    picture(page, "identify")
    known = visits.name(page, number)
    picture(page, "code")
    visits.prove(page, number, known)
    page.wait_for_selector(ACCEPT)
    picture(page, "consent")
    page.click(ACCEPT)
    page.wait_for_url(f"{visits.service}/")
    assert visits.resident(number)["name"] in page.inner_text("h1")
    page.goto(f"{visits.issuer}/me")
    picture(page, "me")


def test_a_resident_says_no_and_the_client_is_told(visits: Visits) -> None:
    page = visits.page(java_script_enabled=False)
    page.goto(f"{visits.service}/login")
    page.click(DENY)
    page.wait_for_url(f"{visits.service}/cb**")
    assert "access_denied" in page.inner_text("main")


def test_another_way_leads_to_the_pin(visits: Visits) -> None:
    page = visits.page(java_script_enabled=False)
    visits.name(page, 2)
    page.click("button[name=factor][value=pin]")
    page.fill("#pin", "739164")
    page.click(CONTINUE)
    page.wait_for_selector("#problem")
    page.fill("#pin", visits.resident(2)["pin"])
    page.click(CONTINUE)
    page.wait_for_selector(ACCEPT)


def test_an_application_that_was_set_up_logs_in(visits: Visits) -> None:
    page = visits.page(java_script_enabled=False)
    visits.log_in(page, 7, f"{visits.issuer}/me/totp")
    page.wait_for_selector("#totp")
    seed = seed_of(page)
    answer = totp_code(seed, step(page))
    page.fill("#totp", answer)
    page.click(CONTINUE)
    page.wait_for_selector("#done")
    other = visits.page(java_script_enabled=False)
    visits.name(other, 7)
    other.click("button[name=factor][value=totp]")
    other.fill("#totp", answer)
    other.click(CONTINUE)
    other.wait_for_selector("#problem")  # no code is used twice
    other.fill("#totp", totp_code(seed, step(other) + 1))
    other.click(CONTINUE)
    other.wait_for_selector(ACCEPT)


def seed_of(page: Page) -> bytes:
    """What the page shows to type into the application."""
    written = page.inner_text("main code").replace(" ", "")
    return b32decode(written + "=" * (-len(written) % 8))


def step(page: Page) -> int:
    """The time step of RFC 6238 now, as the server tells the time."""
    return int(time()) // 30


def test_a_wrong_code_is_told_and_the_right_one_leads_on(visits: Visits) -> None:
    page = visits.page()
    known = visits.name(page, 9)
    right = visits.code(page, visits.resident(9), known)
    page.fill("#otp", "000000" if right != "000000" else "000001")
    page.click(CONTINUE)
    page.wait_for_selector("#problem:focus")
    assert page.title().startswith("Problem:")
    page.fill("#otp", f"{right[:3]} {right[3:]}")
    page.click(CONTINUE)
    page.wait_for_selector(ACCEPT)


def test_a_language_is_kept_from_page_to_page(visits: Visits) -> None:
    page = visits.page(java_script_enabled=False, locale="en")
    page.goto(f"{visits.service}/login")
    page.click("a[hreflang=ar]")
    assert page.get_attribute("html", "dir") == "rtl"
    visits.name(page, 6)
    assert page.get_attribute("html", "lang") == "ar"
    page.click("a[hreflang=fr]")
    assert page.get_attribute("html", "lang") == "fr" and page.is_visible("#otp")


def test_a_form_carries_the_answer_without_script(visits: Visits) -> None:
    """OAuth 2.0 Form Post Response Mode 1.0."""
    page = visits.page(java_script_enabled=False)
    received: list[str] = []

    def sink(route: Route) -> None:
        received.append(route.request.post_data or "")
        route.fulfill(body="<h1>Thank you</h1>", content_type="text/html")

    page.route("http://127.0.0.1:8765/**", sink)
    asked = {
        "client_id": "sample-client-secret-basic",
        "redirect_uri": SINK,
        "response_type": "code",
        "response_mode": "form_post",
        "scope": "openid email offline_access",
        "state": "s-1",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    visits.log_in(page, 10, f"{visits.issuer}/authorize?{urlencode(asked)}")
    page.wait_for_selector("#offline")
    page.click(ACCEPT)
    page.click("main form button")
    page.wait_for_url(SINK)
    assert "code=" in received[0] and "state=s-1" in received[0] and "iss=" in received[0]


def test_a_whole_login_needs_no_pointer(visits: Visits) -> None:
    page = visits.page(java_script_enabled=False)
    resident = visits.resident(20)
    known = len(visits.messages(page, resident))
    page.goto(f"{visits.service}/login")
    tab_to(page, "#individual_id")
    page.keyboard.type(resident["individual_id"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#otp")
    tab_to(page, "#otp")
    page.keyboard.type(visits.code(page, resident, known))
    page.keyboard.press("Enter")
    page.wait_for_selector(ACCEPT)
    tab_to(page, "#claim-email")
    page.keyboard.press("Space")
    tab_to(page, ACCEPT)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visits.service}/")
    assert resident["email"] not in page.inner_text("main"), "the tick was taken away"


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, visibly."""
    for _ in range(40):
        focused = page.locator(f"{selector}:focus")
        if focused.count():
            outline = focused.evaluate("e => getComputedStyle(e).outlineStyle")
            assert outline != "none", "the focus cannot be seen"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


def test_pages_at_twice_their_size_need_no_sideways_scrolling(visits: Visits) -> None:
    page = visits.page(viewport={"width": 320, "height": 512}, reduced_motion="reduce")
    known = visits.name(page, 3)
    fits(page)
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.skip')).transitionDuration"
    ) in (
        "0s",
        "",
    )
    visits.prove(page, 3, known)
    page.wait_for_selector(ACCEPT)
    fits(page)
    for path in ("", "/consents", "/sessions", "/factors", "/history", "/pin", "/totp"):
        page.goto(f"{visits.issuer}/me{path}")
        fits(page)


def test_another_code_is_sent_when_it_is_time(early: tuple[Visits, Page, int]) -> None:
    visits, page, known = early
    resident = visits.resident(12)
    first = visits.code(page, resident, known)

    def came() -> bool:
        page.click("button[name=factor][value=otp]")
        return len(visits.messages(page, resident)) > known + 1

    until(page, came, RESEND_DELAY)
    page.fill("#otp", first)
    page.click(CONTINUE)
    page.wait_for_selector("#problem")  # the newest code counts
    page.fill("#otp", visits.code(page, resident, known + 1))
    page.click(CONTINUE)
    page.wait_for_selector(ACCEPT)
