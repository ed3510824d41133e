"""Backchannel authentication: a client asks, a person says yes elsewhere, the client collects."""

import asyncio
import re

import pytest

from idp.protocol import ciba
from tests.backchannel import BANK, PERSON, ask, known, poll, refusal
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import ORIGIN, Site


async def signed_in(here: Site, browser: Browser, path: str = "/me/approvals") -> Page:
    page = await browser.get(path)
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    return await browser.press(page, "/prove", otp=await here.code())


async def approved(here: Site, browser: Browser, page: Page, **typed: str) -> Page:
    page = await browser.press(page, "/approvals", ("decision", "approve"), **typed)
    if page.has("main") and "/login/" in page.url:
        page = await browser.press(page, "/consent", ("decision", "accept"))
    return page


async def test_a_person_approves_on_their_own_page(here: Site) -> None:
    await known(here)
    answer = await ask(here, binding_message="Transfer 1234")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    asked = answer.json()
    assert set(asked) == {"auth_req_id", "expires_in", "interval"}
    assert asked["expires_in"] == 300 and asked["interval"] == 5
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"
    browser = here.browser()
    page = await signed_in(here, browser)
    assert "asks you to sign in" in page.text and "Transfer 1234" in page.text
    page = await approved(here, browser, page)
    assert page.url == f"{ORIGIN}/approvals/done" and "You approved it" in page.text
    tokens = (await poll(here, asked["auth_req_id"])).json()
    assert tokens["token_type"] == "Bearer" and {"access_token", "id_token"} <= set(tokens)
    assert refusal(await poll(here, asked["auth_req_id"])) == "invalid_grant"
