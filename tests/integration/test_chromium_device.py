"""A person lets a device in with a real browser: by keyboard, in every language, in few bytes."""

import json
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page

from tests.demonstration import ROOT, Demonstration
from tests.integration.chromium import (
    ACCEPT,
    CONTINUE,
    Visits,
    fits,
    judged,
    light,
    picture,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
]
LANGUAGES = ("fr", "es", "ar", "hi", "sw", "en")
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


@pytest.fixture(scope="module")
def client_id(demo: Demonstration) -> str:
    settings = demo.directory / "data" / "symbolon.toml"
    made = subprocess.run(
        [
            *(sys.executable, "-m", "config.cli.main", "--settings", str(settings), "rp", "add"),
            *("Television", "--grant-type", "device_code", "--auth-method", "none"),
            *("--profile", "oidc", "--purpose", "to show your records", "--json"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return str(json.loads(made.stdout)["client_id"])


def codes_of(demo: Demonstration, client_id: str) -> dict[str, Any]:
    form = {"client_id": client_id, "scope": "openid profile"}
    answer = httpx2.post(f"{demo.ready['issuer']}/device_authorization", data=form, timeout=60)
    found: dict[str, Any] = answer.json()
    return found


def in_every_language(page: Page) -> None:
    """Judge a page by its own links to other languages: it stays the same page."""
    for language in LANGUAGES:
        page.click(f"a[hreflang={language}]")
        assert page.get_attribute("html", "lang") == language, page.url
        light(page)
        judged(page)
    page.emulate_media(color_scheme="dark")
    judged(page, **COLOURS)
    page.emulate_media(color_scheme="light")


def test_a_device_is_let_in_by_keyboard(
    visits: Visits, demo: Demonstration, client_id: str
) -> None:
    codes = codes_of(demo, client_id)
    page = visits.page(locale="en", viewport={"width": 360, "height": 640})
    page.goto(codes["verification_uri"])
    in_every_language(page)
    page.focus("#user_code")
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem")
    judged(page)
    assert page.evaluate("document.activeElement.id") == "problem"
    page.fill("#user_code", codes["user_code"].replace("-", " "))
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=confirm]")
    in_every_language(page)
    assert codes["user_code"] in page.inner_text("main")
    fits(page)
    picture(page, "device")
    page.focus("button[value=confirm]")
    page.keyboard.press("Enter")
    resident = visits.resident(3)
    known = len(visits.messages(page, resident))
    page.fill("#individual_id", resident["individual_id"])
    page.click(CONTINUE)
    page.wait_for_selector("#otp")
    visits.prove(page, 3, known)
    page.wait_for_selector(ACCEPT)
    in_every_language(page)
    page.click(ACCEPT)
    page.wait_for_url("**/device/done")
    in_every_language(page)


def test_who_was_sent_a_code_gets_out(visits: Visits, demo: Demonstration, client_id: str) -> None:
    codes = codes_of(demo, client_id)
    page = visits.page(locale="en", java_script_enabled=False)
    page.goto(codes["verification_uri_complete"])
    page.click("button[value=deny]")
    page.wait_for_url("**/device/denied")
    page.goto(codes["verification_uri_complete"])
    assert "used already" in page.inner_text("main")
