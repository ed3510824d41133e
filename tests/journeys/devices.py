"""Devices without a keyboard, and the person who lets them in."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from idp.protocol.client import Client
from idp.protocol.device import GRANT_TYPE
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

    async def asks(self, **asked: Any) -> dict[str, Any]:
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


async def to_question(browser: Browser, code: str) -> Page:
    """Type the code, and come to the page that shows whose it is."""
    return await browser.press(await browser.get("/device"), "/device", user_code=code)


async def approve(here: Site, browser: Browser, page: Page) -> Page:
    """Confirm the code, log in and agree."""
    page = await browser.press(page, urlsplit(page.url).path, CONFIRM)
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    return await browser.press(page, "/consent", ACCEPT)


async def tokens_of(here: Site, device: Device, **asked: str) -> dict[str, Any]:
    """Go the whole way."""
    browser = here.browser()
    page = await to_question(browser, (await device.asks(**asked))["user_code"])
    assert (await approve(here, browser, page)).url == f"{ORIGIN}/device/done"
    return await device.polls()


async def userinfo(here: Site, tokens: dict[str, Any]) -> int:
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    return (await here.browser().client.get("/userinfo", headers=bearer)).status_code
