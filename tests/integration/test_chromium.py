"""A real browser walks the login: with and without JavaScript, by keyboard, in each language."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import BrowserContext, Page, Response, async_playwright

from tests.demonstration import ROOT, Demonstration, code_for, demonstration, inbox

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

AXE = ROOT / "tests" / "interop" / "node_modules" / "axe-core" / "axe.min.js"
# Each test is another resident: what one agreed to is remembered for the next.
LANGUAGES = {"en": 1, "fr": 10, "es": 2, "ar": 8, "hi": 21, "sw": 4}
HEAVIEST = 14 * 1024
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    with demonstration(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@asynccontextmanager
async def browser(**options: Any) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(CHROMIUM)
        )
        context = await chromium.new_context(**options)
        try:
            yield context
        finally:
            await chromium.close()


async def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where SYMBOLON_PICTURES names a directory: for the docs."""
    if directory := os.environ.get("SYMBOLON_PICTURES"):
        await page.screenshot(path=str(Path(directory) / f"{name}.png"))


async def to_code_page(page: Page, demo: Demonstration, resident: dict[str, Any]) -> int:
    """Open the relying party and name a resident; return how many messages they had."""
    async with httpx2.AsyncClient() as http:
        known = len(await inbox(demo, http, resident))
    await page.goto(f"{demo.ready['relying_party']}/login")
    await page.fill("#individual_id", resident["individual_id"])
    await page.click("button[name=decision][value=continue]")
    await page.wait_for_selector("#otp")
    return known


async def code(demo: Demonstration, resident: dict[str, Any], known: int) -> str:
    async with httpx2.AsyncClient() as http:
        return await code_for(demo, http, resident, known)


async def to_consent(page: Page, demo: Demonstration, resident: dict[str, Any]) -> None:
    known = await to_code_page(page, demo, resident)
    await page.fill("#otp", await code(demo, resident, known))
    await page.click("button[name=decision][value=continue]")
    await page.wait_for_selector("button[name=decision][value=accept]")


@pytest.mark.parametrize(
    ("javascript", "number"), [(False, 0), (True, 19)], ids=["without script", "with script"]
)
async def test_a_resident_logs_in_at_the_relying_party(
    demo: Demonstration, javascript: bool, number: int
) -> None:
    resident = demo.ready["residents"][number]
    async with browser(java_script_enabled=javascript) as context:
        page = await context.new_page()
        refused: list[str] = []
        page.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)
        await page.goto(f"{demo.ready['relying_party']}/login")
        await picture(page, "identify")
        known = await to_code_page(page, demo, resident)
        await picture(page, "code")
        await page.fill("#otp", await code(demo, resident, known))
        await page.click("button[name=decision][value=continue]")
        await page.wait_for_selector("button[name=decision][value=accept]")
        await picture(page, "consent")
        await page.click("button[name=decision][value=accept]")
        await page.wait_for_url(f"{demo.ready['relying_party']}/")
        assert resident["name"] in await page.inner_text("h1")
        assert not [line for line in refused if "Content Security Policy" in line]


async def test_a_resident_says_no_and_the_client_is_told(demo: Demonstration) -> None:
    async with browser(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(f"{demo.ready['relying_party']}/login")
        await page.click("button[name=decision][value=deny]")
        await page.wait_for_url(f"{demo.ready['relying_party']}/cb**")
        assert "access_denied" in await page.inner_text("main")


async def test_a_login_needs_no_pointer(demo: Demonstration) -> None:
    async with browser(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(f"{demo.ready['relying_party']}/login")
        await tab_to(page, "#individual_id")
        await page.keyboard.type(demo.resident["individual_id"])
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#otp")
        await tab_to(page, "button[name=decision][value=deny]")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{demo.ready['relying_party']}/cb**")


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, visibly."""
    for _ in range(30):
        focused = page.locator(f"{selector}:focus")
        if await focused.count():
            outline = await focused.evaluate("e => getComputedStyle(e).outlineStyle")
            shadow = await focused.evaluate("e => getComputedStyle(e).boxShadow")
            assert outline != "none" or shadow != "none", "the focus cannot be seen"
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_any_page(demo: Demonstration, language: str) -> None:
    async with browser(locale=language) as context:
        page = await context.new_page()
        await page.goto(f"{demo.ready['relying_party']}/login")
        await judged(page, language)
        await page.fill("#individual_id", "0000000000")
        await page.click("button[name=decision][value=continue]")
        await page.wait_for_selector("#otp")
        await page.fill("#otp", "000000")
        await page.click("button[name=decision][value=continue]")
        await page.wait_for_selector("[role=alert]")
        await judged(page, language)
    async with browser(locale=language) as context:
        page = await context.new_page()
        await to_consent(page, demo, demo.ready["residents"][LANGUAGES[language]])
        await judged(page, language)
        await picture(page, f"consent-{language}")
        await page.goto(f"{demo.ready['issuer']}/authorize?client_id=nobody")
        await judged(page, language)
        await page.goto(f"{demo.ready['issuer']}/me")
        await judged(page, language)
        await page.goto(f"{demo.ready['issuer']}/logout")
        await judged(page, language)


async def judged(page: Page, language: str) -> None:
    html = page.locator("html")
    assert await html.get_attribute("lang") == language
    assert (await html.get_attribute("dir") == "rtl") == (language == "ar")
    # axe runs from outside the page's policy, in a world of its own
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setBypassCSP", {"enabled": True})
    await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    found = await page.evaluate("async () => (await axe.run()).violations")
    told = [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]
    assert not told, page.url


async def test_pages_are_light(demo: Demonstration) -> None:
    async with browser(java_script_enabled=False) as context:
        page = await context.new_page()
        weights: list[tuple[str, int]] = []
        waiting: list[asyncio.Task[None]] = []

        async def weigh(response: Response) -> None:
            if response.status < 300:
                sizes = await response.request.sizes()
                weights.append((response.url, sizes["responseBodySize"]))

        def weighed(response: Response) -> None:
            waiting.append(asyncio.ensure_future(weigh(response)))

        page.on("response", weighed)
        for _ in range(2):
            await page.goto(f"{demo.ready['relying_party']}/login", wait_until="networkidle")
            await asyncio.gather(*waiting)
            ours = [size for url, size in weights if url.startswith(demo.ready["issuer"])]
            assert 0 < len(ours) <= 4, weights
            assert sum(ours) <= HEAVIEST, weights
            weights.clear()


async def test_a_page_at_twice_its_size_needs_no_sideways_scrolling(demo: Demonstration) -> None:
    async with browser(viewport={"width": 320, "height": 512}) as context:
        page = await context.new_page()
        await to_consent(page, demo, demo.ready["residents"][7])
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320
