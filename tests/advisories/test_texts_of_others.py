"""Texts of clients, devices and links on the pages of approvals, devices, details and errors.

Keycloak CVE-2026-9086 (a scheme in mixed case), node-oidc-provider 9.8.2 and 9.8.5 (escapes of the
pages of devices): whatever others may write is text, and turns no text of ours around.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.backchannel import ask, known
from tests.journeys.browsers import Page, Reader
from tests.journeys.devices import TELEVISION, Device, to_question
from tests.journeys.login_world import CLINIC, Site
from tests.journeys.test_ciba import link, signed_in
from tests.unit.idp.authorization_details.test_details import PAYMENT

pytestmark = pytest.mark.attack("A10")

PAYLOADS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</bdi></title><svg/onload=alert(1)>",
    "JaVaScRiPt:alert(1)",
    "\u202eknaB ruoY\u2066",
    "{{13371337*3}}{% raise %}",
    "&lt;b&gt;&#x202e;",
)
TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067"


def harmless(page: Page, payload: str) -> None:
    """No markup of theirs; what turns text around stands alone or is left out."""
    for tag, attributes in Reader(page.html).tags:
        assert tag not in ("script", "svg", "iframe", "object", "base"), tag
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "action", "formaction"):
            given = attributes.get(name, "").strip().lower()
            assert not given.startswith(("javascript:", "//", "vbscript:")), given
    assert "40114011" not in page.html, "a template was evaluated"
    sound(page.html)


def sound(text: str) -> None:
    """Names stand between FIRST STRONG ISOLATE and its end, of our own; nothing else turns."""
    for mark in TURNING:
        assert mark not in text
    assert text.count("\u2068") == text.count("\u2069")


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_names_on_the_pages_of_approvals(here: Site, payload: str) -> None:
    client = await known(here, names={"": payload}, purposes={"": payload})
    answer = await ask(here, client, binding_message="1234")
    assert answer.status_code == 200
    browser = here.browser()
    harmless(await browser.get(await link(here)), payload)
    page = await signed_in(here, browser)
    assert "1234" in page.text
    harmless(page, payload)
    page = await browser.press(page, "/me/approvals", ("decision", "approve"))
    harmless(page, payload)
    for letter in await here.world.letters():
        sound(letter.text)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_names_on_the_pages_of_devices(here: Site, payload: str) -> None:
    client = await known(here, TELEVISION, names={"": payload}, purposes={"": payload})
    device, browser = Device(here, client), here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    harmless(page, payload)
    harmless(await browser.get(f"/device/{quote(payload, safe='')}"), payload)
    fields = [("csrf", "x"), ("user_code", payload)]
    harmless(await browser.request("POST", "/device", fields), payload)


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_message_is_shown_as_it_was_sent_or_refused(here: Site, payload: str) -> None:
    client = await known(here)
    answer = await ask(here, client, binding_message=payload)
    if not payload.isprintable():
        assert answer.json()["error"] == "invalid_binding_message"
        return
    page = await signed_in(here, here.browser())
    harmless(page, payload)
    assert " ".join(payload.split()) in page.text


@pytest.mark.attack("A39")
@pytest.mark.parametrize("payload", [*PAYLOADS, " ", "Bank  A", "\u00a0", "\u2028", "a\tb"])
async def test_details_are_shown_as_they_were_asked_or_refused(here: Site, payload: str) -> None:
    detail: dict[str, Any] = {
        **PAYMENT,
        "creditorName": payload,
        "remittanceInformationUnstructured": payload,
    }
    asked = {"scope": "openid", "authorization_details": json.dumps([detail])}
    page = await here.browser().get(here.address(CLINIC, **asked))
    if not payload.isprintable() or " ".join(payload.split()) != payload:
        assert page.answer["error"] == "invalid_authorization_details"
        return
    page = await here.proven(here.browser(), **asked)
    harmless(page, payload)
    assert page.text.count(payload) == 2


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_addresses_of_errors_and_links_repeat_nothing(here: Site, payload: str) -> None:
    browser = here.browser()
    for path in ("/errors/", "/approvals/", "/device/", "/authorize/", "/grants/"):
        page = await browser.get(path + quote(payload, safe=""))
        assert page.status < 500 and payload not in page.html
        harmless(page, payload)
