"""A person follows a link with a real browser: reads, signs, saves, and goes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from config.wiring.demo import contract
from tests.demonstration import Demonstration, demonstration
from tests.integration.chromium import (
    ACCEPT,
    CONTINUE,
    Visits,
    chromium,
    fits,
    judged,
    light,
    picture,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
    pytest.mark.timeout(180),
]
LANGUAGES = ("fr", "es", "ar", "hi", "sw", "en")
SIGNED = "h1:has-text('Signed')"
READ = "form[action='/sign/link'] button"
START, REJECT = "form[action$='/start'] button", "form[action$='/reject'] button"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    with demonstration(tmp_path_factory.mktemp("chromium-hosted")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def visits(browser: Browser, demo: Demonstration) -> Iterator[Visits]:
    made = Visits(browser, demo)
    yield made
    made.close()


def opened(visits: Visits, page: Page) -> None:
    """Come to the page of the signing service that shows what is to be signed."""
    page.goto(f"{visits.service}/sign?again=1")
    page.click(READ)
    page.wait_for_selector("#documents")


def agreed(visits: Visits, page: Page) -> None:
    """Go on to the issuer, prove, and agree there."""
    resident = visits.resident(0)
    known = len(visits.messages(page, resident))
    page.click(START)
    page.fill("#individual_id", resident["individual_id"])
    page.click(CONTINUE)
    page.wait_for_selector("#otp")
    visits.prove(page, 0, known)
    page.fill("#pin", resident["pin"])
    page.click(CONTINUE)
    page.wait_for_selector("#documents")
    page.click(ACCEPT)


def is_drawn(page: Page) -> bool:
    """Whether the image of the page has come."""
    page.wait_for_function("document.querySelector('img.leaf').complete")
    return bool(page.evaluate("document.querySelector('img.leaf').naturalWidth > 100"))


def test_a_person_reads_compares_signs_and_goes_back(visits: Visits, tmp_path: Path) -> None:
    page = visits.page()
    opened(visits, page)
    judged(page)
    fits(page)
    assert is_drawn(page)
    picture(page, "hosted-signing")
    mine = tmp_path / "mine.pdf"
    mine.write_bytes(contract.sample_pdf(contract._TEXT))
    page.set_input_files("#file", str(mine))
    page.wait_for_selector(".same")
    page.click("a:has-text('Read')")
    page.wait_for_selector("img.leaf")
    judged(page)
    assert is_drawn(page)
    with page.expect_download() as given:
        page.click("a[href*='/file/']")
    assert given.value.path().read_bytes() == mine.read_bytes()
    page.click("nav.back a")
    agreed(visits, page)
    page.wait_for_selector(SIGNED, timeout=60_000)
    judged(page)
    light(page)
    with page.expect_download() as signed:
        page.click("a[href*='/signed/']")
    assert signed.value.path().read_bytes().startswith(mine.read_bytes())
    page.click("a.button[href*='state=signed']")
    page.wait_for_selector("h1:has-text('It is signed')")


def test_it_is_read_in_every_language_by_keyboard_and_without_scripts(visits: Visits) -> None:
    page = visits.page(viewport={"width": 320, "height": 640})
    opened(visits, page)
    for tag in LANGUAGES:
        page.goto(f"{page.url.partition('?')[0]}?lang={tag}")
        assert page.get_attribute("html", "lang") == tag
        judged(page)
        fits(page)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    page.locator(REJECT).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('This was not signed')")
    judged(page)
    plain = visits.page(java_script_enabled=False)
    opened(visits, plain)
    assert not plain.locator("#compare").is_visible()
    agreed(visits, plain)
    plain.wait_for_selector(SIGNED, timeout=60_000)
