"""One whole signature, walked by itself: the document is signed, and judged by tools of others."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx2

from config.wiring.demo.browser import Browser, Page
from config.wiring.demo.contract import NAME
from config.wiring.demo.walk import Walker, WalkFailed, shown_in_a_line

MOST_PAGES = 8
_CHOICES = (("account", "same"), ("factor", "pin"), ("decision", "accept"))
"""What is pressed where nothing is to be filled in."""

JUDGES = {
    "pdfsig": (("pdfsig", "-nocert"), "Signature is Valid"),
    "mutool": (("mutool", "sign", "-v"), "signature is valid"),
    "qpdf": (("qpdf", "--check"), "No syntax or stream encoding errors found"),
}
"""Tools of others: how each is asked about a file, and what it says of a good one."""


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
    page = await browser.submit(page, page.form())
    for _ in range(MOST_PAGES):
        if page.url.startswith(walker.relying_party):
            break
        page = await _answered(browser, page, pin)
    found = await http.get(f"{walker.relying_party}/sign/{NAME}")
    if found.status_code != 200:
        raise WalkFailed(f"no document came back: {shown_in_a_line(page)}")
    return SignedWalk(found.content, await judged(found.content))


async def _answered(browser: Browser, page: Page, pin: str) -> Page:
    """Answer what a page asks: the PIN, or what is pressed."""
    if page.has("pin"):
        return await browser.submit(page, page.form("pin"), decision="continue", pin=pin)
    for form in page.forms:
        for name, value in _CHOICES:
            if (name, value) in form.buttons:
                return await browser.submit(page, form, **{name: value})
    raise WalkFailed(f"nothing to answer: {shown_in_a_line(page)}")


async def judged(document: bytes) -> dict[str, bool]:
    """Return what each judge that is installed here says of the document."""
    said = {}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / NAME
        path.write_bytes(document)
        for name, (command, good) in JUDGES.items():
            if shutil.which(name) is None:
                continue
            pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
            run = await asyncio.create_subprocess_exec(*command, path, stdout=pipe, stderr=both)
            told, _ = await run.communicate()
            said[name] = good in told.decode(errors="replace")
    return said
