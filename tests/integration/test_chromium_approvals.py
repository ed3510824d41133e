"""The pages on which people approve, in a real browser: axe, every language, dark and light."""

from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page

from tests.demonstration import Demonstration
from tests.integration.chromium import ACCEPT, Visits
from tests.integration.test_chromium_pages import in_every_language, seen
from tests.interop.test_independent_backchannel import LINK, registered

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
]

APPROVE = "button[name=decision][value=approve]"
REJECT = "button[name=decision][value=reject]"


@pytest.fixture(scope="module")
def bank(demo: Demonstration) -> dict[str, Any]:
    return registered(demo, "--profile", "oidc", "--auth-method", "client_secret_post")


def asked(demo: Demonstration, bank: dict[str, Any], number: int) -> dict[str, Any]:
    """Ask resident ``number``, and return the answer."""
    form = {
        "client_id": bank["client_id"],
        "client_secret": bank["client_secret"],
        "scope": "openid profile",
        "login_hint": demo.ready["residents"][number]["individual_id"],
        "binding_message": "Transfer 1234",
    }
    answer = httpx2.post(f"{demo.ready['issuer']}/bc-authorize", data=form, timeout=60)
    found: dict[str, Any] = answer.json()
    assert answer.status_code == 200, found
    return found


def test_the_own_page(visits: Visits, bank: dict[str, Any]) -> None:
    page = visits.page(locale="en")
    visits.log_in(page, 2)
    page.click(ACCEPT)
    page.wait_for_url(f"{visits.service}/")
    for path in ("/approvals", "/user-code"):
        page.goto(f"{visits.issuer}/me{path}")
        in_every_language(page)
    answer = asked(visits.demo, bank, 2)
    page.goto(f"{visits.issuer}/me/approvals")
    in_every_language(page)
    page.fill("input[name=number]", "no")
    page.click(APPROVE)
    page.wait_for_selector("#problem")
    seen(page, "en")
    page.fill("input[name=number]", answer["number_match"])
    page.click(APPROVE)
    page.wait_for_selector(ACCEPT)
    in_every_language(page)
    page.click(ACCEPT)
    page.wait_for_url("**/approvals/done")
    in_every_language(page)


def test_behind_a_link(visits: Visits, bank: dict[str, Any]) -> None:
    page = visits.page(locale="en", viewport={"width": 360, "height": 640})
    asked(visits.demo, bank, 3)
    page.goto(_link(visits.demo, 3, page))
    in_every_language(page)
    page.click(REJECT)
    page.wait_for_url("**/approvals/done?error=access_denied")
    seen(page, "en")
    page.goto(_link(visits.demo, 3, page))
    in_every_language(page)


def _link(demo: Demonstration, number: int, page: Page) -> str:
    resident = demo.ready["residents"][number]
    address = resident["phone"] or resident["email"]
    for _ in range(200):
        answer = httpx2.get(f"{demo.ready['inbox']}/messages", params={"to": address}, timeout=60)
        for message in answer.json():
            if found := LINK.search(message["text"]):
                return found[0]
        page.wait_for_timeout(100)
    raise AssertionError("no link came")
