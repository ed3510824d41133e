"""Every page in every language: axe finds nothing, in light and dark, and each is light to load."""

import pytest
from playwright.sync_api import Page

from tests.integration.chromium import ACCEPT, CONTINUE, Visits, judged, light, picture

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
]

LANGUAGES = ("fr", "es", "ar", "hi", "sw", "en")
OWN_PAGES = ("", "/consents", "/sessions", "/factors", "/history", "/pin", "/totp")
WRONG_ADDRESSES = (
    "/authorize?client_id=nobody",
    "/authorize?client_id=harbour-clinic&redirect_uri=https%3A%2F%2Fevil.example%2F",
    "/login/" + "x" * 43,
    "/nowhere",
)
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def seen(page: Page, language: str) -> None:
    """Judge the page that is shown: language, direction, weight, axe; colours in the dark, too."""
    assert page.get_attribute("html", "lang") == language, page.url
    assert (page.get_attribute("html", "dir") == "rtl") == (language == "ar")
    light(page)
    judged(page)
    if language == "en":  # colours are the same in every language
        page.emulate_media(color_scheme="dark")
        judged(page, **COLOURS)
        page.emulate_media(color_scheme="light")


def in_every_language(page: Page) -> None:
    """Judge a page that a GET shows, by its own links to other languages."""
    for language in LANGUAGES:
        page.click(f"a[hreflang={language}]")
        seen(page, language)


def test_the_pages_of_a_login(visits: Visits) -> None:
    page = visits.page(locale="en", viewport={"width": 800, "height": 560})
    page.goto(f"{visits.service}/login")
    in_every_language(page)
    known = visits.name(page, 21)
    in_every_language(page)
    for factor, field in (("pin", "#pin"), ("totp", "#totp")):
        page.click(f"button[name=factor][value={factor}]")
        page.wait_for_selector(field)
        in_every_language(page)
    page.click(CONTINUE)
    page.wait_for_selector("#problem")
    seen(page, "en")
    page.click("button[name=factor][value=otp]")
    page.wait_for_selector("#otp")
    visits.prove(page, 21, known)
    page.wait_for_selector(ACCEPT)
    in_every_language(page)
    page.click("a[hreflang=ar]")
    picture(page, "consent-ar")
    page.click(ACCEPT)
    page.wait_for_url(f"{visits.service}/")
    judged(page)
    page.goto(str(visits.demo.ready["inbox"]))
    judged(page, rules={"meta-refresh": {"enabled": False}})  # a tool, which looks for news


def test_the_own_pages_of_a_resident(visits: Visits) -> None:
    page = visits.page(locale="en")
    visits.log_in(page, 22)
    page.click(ACCEPT)
    page.wait_for_url(f"{visits.service}/")
    for path in OWN_PAGES:
        page.goto(f"{visits.issuer}/me{path}")
        in_every_language(page)
    page.goto(f"{visits.issuer}/me/pin")
    page.fill("#new_pin", "123456")
    page.fill("#new_pin_again", "123456")
    page.click(CONTINUE)
    page.wait_for_selector("#new_pin_fault")
    seen(page, "en")
    page.goto(f"{visits.issuer}/me/factors")
    page.locator("form", has=page.locator("[value=pin]")).locator("[value=lock]").click()
    page.wait_for_selector("#done")
    seen(page, "en")
    page.click("[value=unlock]")
    page.wait_for_selector("#done")
    page.goto(f"{visits.issuer}/me/consents")
    page.click("button[name=client_id]")
    page.wait_for_selector("#done")
    seen(page, "en")
    page.goto(f"{visits.issuer}/logout")
    in_every_language(page)
    page.click(CONTINUE)
    in_every_language(page)


def test_the_pages_of_what_goes_wrong(visits: Visits) -> None:
    page = visits.page(locale="en")
    for path in WRONG_ADDRESSES:
        page.goto(f"{visits.issuer}{path}")
        in_every_language(page)
