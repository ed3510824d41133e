"""Pushed authorization requests (RFC 9126): pushed by the client, opened by a browser, used once."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CALLBACK, CHALLENGE, CLINIC, SHOP, Site

REQUEST = {
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid profile email",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def push(here: Site, client: str = "clinic", **changes: str | None) -> httpx2.Response:
    form = {"client_id": client, **REQUEST, **changes}
    kept = {name: value for name, value in form.items() if value is not None}
    return await here.browser().client.post("/par", data=kept)


async def pushed(here: Site, **changes: str | None) -> str:
    """The address that the client sends the browser to."""
    answer = await push(here, **changes)
    assert answer.status_code == 201, answer.text
    query = httpx2.QueryParams({"client_id": "clinic", "request_uri": answer.json()["request_uri"]})
    return f"/authorize?{query}"


async def signed_in(here: Site, browser: Browser, page: Page) -> Page:
    """Go from the first page of a login to the client."""
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    return await browser.press(page, "/consent", ("decision", "accept"))


@pytest.mark.behaviour(35)
async def test_a_request_that_was_pushed_leads_to_a_code(here: Site) -> None:
    answer = await push(here)
    assert answer.status_code == 201
    told = answer.json()
    assert told["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(told["request_uri"].rpartition(":")[2]) == 43, "256 bits"
    assert 5 <= told["expires_in"] < 600
    assert answer.headers["cache-control"] == "no-store"
    browser = here.browser()
    page = await signed_in(here, browser, await browser.get(await pushed(here)))
    assert page.url.startswith(CALLBACK)
    assert page.answer["state"] == "s-1"
    assert (await here.authorization(page)).nonce == "n-1"
