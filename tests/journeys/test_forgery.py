"""Forms of others, logins of others, texts of others: none of them does anything."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from idp.stores.clients import Clients
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page, Reader
from tests.journeys.login_world import CLINIC, ORIGIN, Site

pytestmark = pytest.mark.long

Coming = Callable[[Site, Browser], Awaitable[Page]]


async def identify(here: Site, browser: Browser) -> Page:
    return await browser.get(here.address())


async def prove(here: Site, browser: Browser) -> Page:
    return await here.named(browser)


async def agree(here: Site, browser: Browser) -> Page:
    return await here.proven(browser)


async def account(here: Site, browser: Browser) -> Page:
    await here.logged_in(browser)
    return await browser.get(here.address(prompt="select_account"))


STAGES = {"identify": identify, "prove": prove, "consent": agree, "account": account}
FORMS = ("identify", "factor", "prove", "account", "consent", "cancel")


def login_of(page: Page) -> str:
    match = re.search(r"/login/([A-Za-z0-9_-]{43})", page.html)
    assert match is not None
    return match[1]


async def filled(here: Site, page: Page) -> list[tuple[str, str]]:
    """Everything that could move a login on."""
    letters = await here.world.letters()
    return [
        ("csrf", dict(page.reader.forms[0].fields)["csrf"]),
        ("individual_id", AMINA["national_id"]),
        ("otp", letters[-1].code if letters else "000000"),
        ("factor", "pin"),
        ("account", "same"),
        ("claim", "name"),
        ("decision", "accept"),
    ]


@pytest.mark.attack("A13")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("form", FORMS)
async def test_no_other_browser_takes_any_step(here: Site, stage: str, form: str) -> None:
    owner, other = here.browser(), here.browser()
    page = await STAGES[stage](here, owner)
    await other.get(here.address())
    answer = await other.request(
        "POST", f"/login/{login_of(page)}/{form}", await filled(here, page)
    )
    assert answer.status == 404 and answer.url.startswith(ORIGIN)
    assert answer.reader.links, "a way on"
    seen = await other.get(f"/login/{login_of(page)}")
    assert seen.status == 404
    again = await owner.get(f"/login/{login_of(page)}")
    assert again.status == 200
    assert [f.action for f in again.reader.forms] == [f.action for f in page.reader.forms]


@pytest.mark.attack("A12")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("form", FORMS)
async def test_no_form_without_its_token_or_from_elsewhere_counts(
    here: Site, stage: str, form: str
) -> None:
    browser = here.browser()
    page = await STAGES[stage](here, browser)
    address = f"/login/{login_of(page)}/{form}"
    fields = await filled(here, page)
    for wrong in ([], [("csrf", "")], [("csrf", "x" * 22)]):
        answer = await browser.request("POST", address, [*wrong, *fields[1:]])
        assert answer.status == 403 and answer.reader.links
    for headers in (
        {"sec_fetch_site": "cross-site", "origin": "null"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        answer = await browser.request("POST", address, fields, **headers)
        assert answer.status == 403
    again = await browser.get(f"/login/{login_of(page)}")
    assert [f.action for f in again.reader.forms] == [f.action for f in page.reader.forms]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("form", FORMS)
async def test_a_step_out_of_turn_is_told_and_moves_nothing(
    here: Site, stage: str, form: str
) -> None:
    in_turn = {
        "identify": {"identify", "cancel", "account"},
        "prove": {"identify", "factor", "prove", "account", "cancel"},
        "consent": {"consent", "cancel"},
        "account": {"account", "cancel"},
    }
    if form in in_turn[stage]:
        return
    browser = here.browser()
    page = await STAGES[stage](here, browser)
    answer = await browser.request(
        "POST", f"/login/{login_of(page)}/{form}", await filled(here, page)
    )
    assert answer.status == 409 and answer.reader.links
    again = await browser.get(f"/login/{login_of(page)}")
    assert [f.action for f in again.reader.forms] == [f.action for f in page.reader.forms]


@pytest.mark.attack("A13")
async def test_a_planted_browser_cookie_does_not_share_the_login_that_follows(here: Site) -> None:
    """Session fixation: an attacker who plants the browser's secret has no session by it."""
    attacker, victim = here.browser(), here.browser()
    await attacker.get(here.address())
    victim.copy_cookies(attacker)
    await here.logged_in(victim)
    page = await attacker.get(here.address(prompt="none"))
    assert page.answer["error"] == "login_required"


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "</title><script>alert(1)</script>",
    "{{7*7}}{% raw %}${7*7}",
    "\u202egnp.exe",
    "\u2066\u2067x",
    "&lt;script&gt;",
    "a" * 2000,
    "<a href=//evil.example>",
    "\x01\x1f\x7f",
)


def harmless(page: Page, payload: str) -> None:
    for tag, attributes in Reader(page.html).tags:
        assert tag not in ("script", "svg", "iframe", "object", "base")
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.get("href", "").lower().startswith(("javascript:", "//"))
        assert tag != "img" or attributes["src"].startswith("data:")
    for mark in "\u202e\u2066\u2067\x01":
        if mark in payload and "value=" not in page.html:
            assert mark not in page.html


@pytest.mark.attack("A10")
@pytest.mark.parametrize("payload", PAYLOADS)
async def test_texts_of_others_stay_texts(here: Site, payload: str) -> None:
    hostile = replace(CLINIC, client_id="hostile", names={"": payload}, purposes={"": payload})
    await here.world.database.submit(Clients(here.world.database).insert(hostile))
    browser = here.browser()
    asked = {"login_hint": payload, "state": payload, "ui_locales": payload, "nonce": payload}
    page = await browser.get(here.address(hostile, **asked))
    if page.url.startswith(ORIGIN):
        harmless(page, payload)
        page = await browser.press(page, "/identify", individual_id=payload[:256])
        harmless(page, payload)
        page = await browser.press(page, "/account", ("account", "other"))
        page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
        harmless(page, payload)
        page = await browser.press(page, "/prove", otp=await here.code())
        assert page.has("claim-name")
        harmless(page, payload)
        page = await browser.press(page, "/consent", ("decision", "accept"))
    assert page.url.startswith("https://clinic.example/cb?")
    if "\x01" not in payload:
        assert page.answer["state"] == payload, "back as it came"
    await browser.get("/me/consents")
    for path in ("/me/consents", "/me/history"):
        harmless(await browser.get(path), payload)


@pytest.mark.attack("A10")
@pytest.mark.parametrize("payload", PAYLOADS[:8])
async def test_pages_of_refusal_repeat_nothing(here: Site, payload: str) -> None:
    page = await here.browser().get(here.address(client_id=payload))
    assert page.status == 400 and payload not in page.html
    harmless(page, payload)
    page = await here.browser().get("/login/" + "x" * 43 + "?lang=" + "%3Cscript%3E")
    assert page.status == 404
    harmless(page, payload)
