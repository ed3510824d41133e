"""A device is let in: codes, the person's pages, the tokens (RFC 8628)."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from idp.protocol.client import Client
from idp.protocol.device import GRANT_TYPE, typed
from idp.stores.clients import Clients
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CLINIC, ORIGIN, Site

TELEVISION = replace(
    CLINIC,
    client_id="television",
    names={"": "Television"},
    purposes={"": "To show your records"},
    redirect_uris=(),
    post_logout_redirect_uris=(),
    grant_types=(GRANT_TYPE, "refresh_token"),
    response_types=(),
    sector="client:television",
)
CONFIRM, DENY = ("decision", "confirm"), ("decision", "deny")
ACCEPT = ("decision", "accept")


@dataclass(slots=True)
class Device:
    """A device in front of the issuer: it asks for its codes, and polls."""

    here: Site
    client: Client = TELEVISION
    address: str = "198.51.100.7"
    codes: dict[str, Any] | None = None

    async def asks(self, **asked: str) -> dict[str, Any]:
        form = {"client_id": self.client.client_id, "scope": "openid profile"} | asked
        browser = self.here.browser(self.address)
        answer = await browser.client.post("/device_authorization", data=form)
        self.codes = answer.json()
        return self.codes

    async def polls(self, **asked: str) -> dict[str, Any]:
        assert self.codes is not None
        form = {
            "grant_type": GRANT_TYPE,
            "device_code": self.codes["device_code"],
            "client_id": self.client.client_id,
        } | asked
        answer = await self.here.browser(self.address).client.post("/token", data=form)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def device(here: Site) -> Device:
    await here.world.database.submit(Clients(here.world.database).insert(TELEVISION))
    return Device(here)


async def to_question(browser: Browser, code: str) -> Page:
    """Type the code, and come to the page that shows whose it is."""
    return await browser.press(await browser.get("/device"), "/device", user_code=code)


async def approve(here: Site, browser: Browser, page: Page) -> Page:
    """Confirm the code, log in and agree."""
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    return await browser.press(page, "/consent", ACCEPT)


@pytest.mark.spec("RFC 8628 §3.2")
async def test_a_device_gets_its_codes(here: Site, device: Device) -> None:
    codes = await device.asks()
    assert len(codes["device_code"]) == 43
    assert typed(codes["user_code"]) and codes["expires_in"] == 600 and codes["interval"] == 5
    assert codes["verification_uri"] == f"{ORIGIN}/device"
    assert codes["verification_uri_complete"] == f"{ORIGIN}/device/{codes['user_code']}"
    metadata = await here.browser().get("/.well-known/openid-configuration")
    assert metadata.response.json()["device_authorization_endpoint"] == (
        f"{ORIGIN}/device_authorization"
    )
    assert GRANT_TYPE in metadata.response.json()["grant_types_supported"]


@pytest.mark.spec("RFC 8628 §3.3, §3.5")
async def test_a_person_lets_their_device_in(here: Site, device: Device) -> None:
    codes = await device.asks(nonce="n-9")
    assert (await device.polls())["error"] == "authorization_pending"
    browser = here.browser()
    page = await to_question(browser, codes["user_code"].replace("-", " "))
    assert codes["user_code"] in page.text and "Television" in page.text
    assert "To show your records" in page.text and "198.51.100.7" in page.text
    page = await approve(here, browser, page)
    assert page.url == f"{ORIGIN}/device/done" and "Go back to your device" in page.text
    here.clock.time += 5
    tokens = await device.polls()
    assert tokens["token_type"] == "Bearer" and tokens["id_token"], tokens
    answer = await here.browser().client.get(
        "/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert answer.status_code == 200 and answer.json()["name"]
