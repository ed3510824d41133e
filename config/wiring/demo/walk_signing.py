"""One whole signature, walked by itself: the document is signed, and judged by tools of others."""

import asyncio
from dataclasses import dataclass

import httpx2

from config.wiring.demo.browser import Browser, Form, Page
from config.wiring.demo.judging import judged
from config.wiring.demo.walk import Walker, WalkFailed, shown_in_a_line

MOST_PAGES = 8
MOST_LOOKS, BETWEEN = 60, 0.5
"""How often the page of a document that is being signed is looked at, and seconds between."""

_CHOICES = (("account", "same"), ("factor", "pin"), ("decision", "accept"))
"""What is pressed where nothing is to be filled in."""


@dataclass(frozen=True, slots=True)
class SignedWalk:
    """The signed document, and what each judge that is here said."""

    document: bytes
    judged: dict[str, bool]


async def walk_signing(walker: Walker, pin: str, http: httpx2.AsyncClient) -> SignedWalk:
    """Have the sample document signed as a resident would who signed in with a code just before.

    Raises WalkFailed where it stopped.
    """
    browser = Browser(http)
    page = await browser.open(f"{walker.relying_party}/sign")
    page = await browser.submit(page, _sample(page))
    for _ in range(MOST_PAGES):
        if page.url.startswith(walker.relying_party):
            break
        page = await _answered(browser, page, pin)
    document = await _signed(walker, browser, page, http)
    return SignedWalk(document, await judged(document))


async def _signed(walker: Walker, browser: Browser, page: Page, http: httpx2.AsyncClient) -> bytes:
    """Look at the page again, as it does by itself, until the document is there."""
    for _ in range(MOST_LOOKS):
        found = await http.get(f"{walker.relying_party}/sign/document.pdf")
        if found.status_code == 200:
            return found.content
        if "refresh" not in page.headers:
            break
        await asyncio.sleep(BETWEEN)
        page = await browser.open(f"{walker.relying_party}/sign")
    raise WalkFailed(f"no document came back: {shown_in_a_line(page)}")


def _sample(page: Page) -> Form:
    """Return the form that signs the clinic's own document."""
    for form in page.forms:
        if ("which", "sample") in form.buttons:
            return form
    raise WalkFailed(f"no document is offered: {shown_in_a_line(page)}")


async def _answered(browser: Browser, page: Page, pin: str) -> Page:
    """Answer what a page asks: the PIN, or what is pressed."""
    if page.has("pin"):
        return await browser.submit(page, page.form("pin"), decision="continue", pin=pin)
    for form in page.forms:
        for name, value in _CHOICES:
            if (name, value) in form.buttons:
                return await browser.submit(page, form, **{name: value})
    raise WalkFailed(f"nothing to answer: {shown_in_a_line(page)}")
