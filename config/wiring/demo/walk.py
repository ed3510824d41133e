"""One whole login, walked by itself as a resident would: the check of the demonstration."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import httpx2

from config.wiring.demo.browser import Browser, Page

PATIENCE = 30.0
"""Seconds that a code may take to reach the inbox."""


class WalkFailed(Exception):
    """The login did not come to its end; the text says in one line where it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Who logs in where; ``contact`` is the phone number or e-mail address that gets the code."""

    relying_party: str
    inbox: str
    individual_id: str
    contact: str


async def walk(walker: Walker, http: httpx2.AsyncClient) -> dict[str, Any]:
    """Log in with a one-time code and return ``{"id_token": ..., "userinfo": ...}``.

    Raises WalkFailed where it stopped.
    """
    try:
        return await _walked(walker, http)
    except (httpx2.HTTPError, LookupError, ValueError, RecursionError) as error:
        raise WalkFailed(_line(f"{type(error).__name__}: {error}")) from error


async def _walked(walker: Walker, http: httpx2.AsyncClient) -> dict[str, Any]:
    browser = Browser(http)
    page = await browser.open(f"{walker.relying_party}/login")
    seen = {(m["at"], m["code"]) for m in await messages(walker, http)}
    page = await _sent(browser, page, "individual_id", walker.individual_id)
    code = await code_of(walker, http, seen)
    page = await _sent(browser, page, "otp", code)
    if not page.url.startswith(walker.relying_party):
        page = await browser.submit(page, page.form("decision"), decision="accept")
    if not page.url.startswith(walker.relying_party):
        raise WalkFailed(f"after consent: {shown_in_a_line(page)}")
    answer = await http.get(f"{walker.relying_party}/account.json")
    if answer.status_code != 200:
        raise WalkFailed(f"the relying party is not signed in: {shown_in_a_line(page)}")
    account: dict[str, Any] = answer.json()
    return account


async def _sent(browser: Browser, page: Page, field: str, answer: str) -> Page:
    if not page.has(field):
        raise WalkFailed(f"no field {field}: {shown_in_a_line(page)}")
    return await browser.submit(page, page.form(field), decision="continue", **{field: answer})


async def messages(walker: Walker, http: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """Return what was sent to ``walker.contact``, newest first; to anybody where it is ""."""
    answer = await http.get(f"{walker.inbox}/messages", params={"to": walker.contact})
    found: list[dict[str, Any]] = answer.json()
    return found


async def code_of(walker: Walker, http: httpx2.AsyncClient, seen: set[Any]) -> str:
    """Return the code that was sent last, once it is none of ``seen``; or raise WalkFailed."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while loop.time() < deadline:
        fresh = [m for m in await messages(walker, http) if (m["at"], m["code"]) not in seen]
        if fresh:
            return str(fresh[0]["code"])
        await asyncio.sleep(0.05)
    raise WalkFailed("no code reached the inbox")


def shown_in_a_line(page: Page) -> str:
    """Return in one line what ``page`` says."""
    main = page.text.partition("<main")[2] or page.text
    return _line(f"{page.status} at {page.url}: {re.sub('<[^>]*>', ' ', f'<{main}')}")


def _line(text: str) -> str:
    return " ".join(text.split())[:400]
