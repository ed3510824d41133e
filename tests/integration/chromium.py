"""A real Chromium at the running demonstration: contexts, steps of a login, and judges of a page.

Whatever a page's policy refuses is noted by ``Visits`` and fails the test at its end.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.demonstration import ROOT, Demonstration

AXE = ROOT / "tests" / "interop" / "node_modules" / "axe-core" / "axe.min.js"
HEAVIEST = 14 * 1024
MOST_REQUESTS = 4
PATIENCE = 60
CONTINUE = "button[name=decision][value=continue]"
ACCEPT = "button[name=decision][value=accept]"
DENY = "button[name=decision][value=deny]"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_VIOLATIONS = """async options => (await axe.run(document, options)).violations
    .map(found => [found.id, found.nodes.map(node => node.html)])"""
_WEIGHT = """() => performance.getEntries()
    .filter(entry => ["navigation", "resource"].includes(entry.entryType))
    .filter(entry => !entry.name.startsWith("data:"))
    .map(entry => [entry.name, entry.encodedBodySize])"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Launch Chromium once for a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*_FLAGS])
        yield browser
        browser.close()


@dataclass
class Visits:
    """Browsers of one test, each a context with cookies of its own."""

    browser: Browser
    demo: Demonstration
    refused: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, **options: Any) -> Page:
        """Open a page in a new context."""
        context = self.browser.new_context(**options)
        context.set_default_timeout(PATIENCE * 1000)
        context.on("console", self._noted)
        self.contexts.append(context)
        return context.new_page()

    def _noted(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.refused.append(message.text)

    def close(self) -> None:
        """End every context; nothing on any page may have gone against its policy."""
        for context in self.contexts:
            context.close()
        assert not self.refused

    @property
    def service(self) -> str:
        """The sample relying party."""
        return str(self.demo.ready["relying_party"])

    @property
    def issuer(self) -> str:
        return str(self.demo.ready["issuer"])

    def resident(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.demo.ready["residents"][number]
        return found

    def messages(self, page: Page, resident: dict[str, Any]) -> list[dict[str, Any]]:
        """What was sent to a resident, newest first."""
        to = resident["phone"] or resident["email"]
        answer = page.request.get(f"{self.demo.ready['inbox']}/messages", params={"to": to})
        found: list[dict[str, Any]] = answer.json()
        return found

    def code(self, page: Page, resident: dict[str, Any], known: int) -> str:
        """The newest code once there are more than ``known`` messages."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            found[:] = self.messages(page, resident)
            return len(found) > known

        until(page, came)
        return str(found[0]["code"])

    def name(self, page: Page, number: int, address: str = "") -> int:
        """Come to the code's page; return how many messages the resident had before."""
        resident = self.resident(number)
        known = len(self.messages(page, resident))
        page.goto(address or f"{self.service}/login")
        page.fill("#individual_id", resident["individual_id"])
        page.click(CONTINUE)
        page.wait_for_selector("#otp")
        return known

    def prove(self, page: Page, number: int, known: int) -> None:
        """Type the code that was sent."""
        page.fill("#otp", self.code(page, self.resident(number), known))
        page.click(CONTINUE)

    def log_in(self, page: Page, number: int, address: str = "") -> None:
        """Come to what follows a one-time code."""
        self.prove(page, number, self.name(page, number, address))


def until(page: Page, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Ask again and again whether ``holds``, until a deadline.

    Playwright's own ``wait_for_function`` asks again by ``eval`` in the page, and our pages' policy
    forbids that.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        page.wait_for_timeout(50)


def judged(page: Page, **rules: Any) -> None:
    """Let axe judge a page (WCAG 2.2 AA among its rules), from a world outside of its policy."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    session.detach()
    found = page.evaluate(_VIOLATIONS, rules)
    assert not found, (page.url, found)


def light(page: Page) -> None:
    """Weigh a page with everything that it loads, compressed, cached or not."""
    parts = page.evaluate(_WEIGHT)
    assert 0 < len(parts) <= MOST_REQUESTS, (page.url, parts)
    assert sum(size for _, size in parts) <= HEAVIEST, (page.url, parts)


def fits(page: Page) -> None:
    """Make sure that nobody must scroll sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, page.url


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where SYMBOLON_PICTURES names a directory: for the docs."""
    if directory := os.environ.get("SYMBOLON_PICTURES"):
        page.screenshot(path=str(Path(directory) / f"{name}.png"), full_page=True)
