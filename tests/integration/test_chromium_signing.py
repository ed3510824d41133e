"""A person signs with a real browser: reads, compares, agrees; at a client, or behind a link."""

import hashlib
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page

from config.wiring.demo import contract
from tests.integration.chromium import (
    ACCEPT,
    CONTINUE,
    DENY,
    Visits,
    fits,
    judged,
    light,
    picture,
    until,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("demonstration"),
]
LANGUAGES = ("fr", "es", "ar", "hi", "sw", "en")
READ = "form[action='/sign/link'] button"
SIGNED = "h1:has-text('Signed')"
OPEN = "form[action$='/open'] button"
START, REJECT = "form[action$='/start'] button", "form[action$='/reject'] button"


def asked(visits: Visits, page: Page, own: Path | None = None) -> None:
    """Come to the page on which one signs: a code and a PIN are asked before."""
    resident = visits.resident(0)
    known = len(visits.messages(page, resident))
    page.goto(f"{visits.service}/sign")
    if own is not None:
        page.set_input_files("#document", str(own))
    page.click(f"button[value={'sample' if own is None else 'own'}]")
    page.fill("#individual_id", resident["individual_id"])
    page.click(CONTINUE)
    page.wait_for_selector("#otp")
    visits.prove(page, 0, known)
    page.fill("#pin", resident["pin"])
    page.click(CONTINUE)
    page.wait_for_selector("#documents")


def test_a_person_compares_their_own_copy_and_signs(visits: Visits, tmp_path: Path) -> None:
    page = visits.page()
    asked(visits, page)
    judged(page)
    light(page)
    fits(page)
    picture(page, "signing")
    name = page.inner_text(".documents bdi")
    digest = page.get_attribute(".documents li", "data-digest")
    posted: list[str] = []
    page.on("request", lambda one: posted.append(one.url))
    other = tmp_path / "<b>other<b>.pdf"
    other.write_bytes(b"%PDF-1.7 another")
    page.set_input_files("#file", str(other))
    page.wait_for_selector("#compared:not(:empty)")
    said = page.inner_text("#compared")
    assert "<b>other<b>.pdf" in said and "none of these" in said
    assert page.locator(".same").count() == 0
    mine = tmp_path / "mine.pdf"
    mine.write_bytes(contract.sample_pdf(contract._TEXT))
    page.set_input_files("#file", [str(other), str(mine)])
    page.wait_for_selector(".same")
    said = page.inner_text("#compared")
    assert "mine.pdf" in said and name in said and "none of these" in said
    assert page.get_attribute("#compared", "role") == "status", "readers of screens say it"
    assert posted == [], "the file stays in the browser"
    assert digest is not None and len(digest) == 64
    page.click(ACCEPT)
    page.wait_for_selector("h1:has-text('It is signed')")
    judged(page)
    page.click("text=Check it")
    judged(page)
    page.click("text=Back")
    page.click("a[href='/sign?again=1']")
    judged(page)


def test_the_page_is_read_in_every_language_and_by_keyboard(visits: Visits) -> None:
    page = visits.page(viewport={"width": 320, "height": 640})
    asked(visits, page)
    for tag in LANGUAGES:
        page.goto(f"{page.url.partition('?')[0]}?lang={tag}")
        assert page.get_attribute("html", "lang") == tag
        assert page.locator("#documents").count() == 1
        judged(page)
        fits(page)
        light(page)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    page.locator(DENY).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visits.service}/**")
    assert "not signed" in page.inner_text("main")


def test_without_scripts_a_document_of_ones_own_is_signed(visits: Visits, tmp_path: Path) -> None:
    page = visits.page(java_script_enabled=False)
    page.goto(f"{visits.service}/sign")
    text = tmp_path / "text.pdf"
    text.write_text("no PDF")
    page.set_input_files("#document", str(text))
    page.click("button[value=own]")
    assert "not a PDF" in page.inner_text("[role=alert]")
    mine = tmp_path / "Vertrag \u00fc & <i>Co.pdf"
    mine.write_bytes(contract.sample_pdf("My own contract"))
    asked(visits, page, mine)
    assert mine.name in page.inner_text(".documents bdi")
    assert not page.locator("#compare").is_visible()
    page.click(ACCEPT)
    page.wait_for_selector("h1:has-text('It is signed')")
    with page.expect_download() as download:
        page.click("a[href='/sign/document.pdf']")
    assert download.value.suggested_filename.startswith("Vertrag")
    assert download.value.path().read_bytes().startswith(mine.read_bytes())
    page.click("text=Check it")
    said = page.inner_text("main")
    assert "is good" in said and "B-LT" in said and "What is wrong" not in said


def sent(visits: Visits, page: Page) -> None:
    """Come to the first page of a link of the signing service's."""
    page.goto(f"{visits.service}/sign?again=1")
    page.click(READ)
    page.wait_for_selector(OPEN)


def opened(visits: Visits, page: Page) -> None:
    """Come to the page of the signing service that shows what is to be signed."""
    sent(visits, page)
    page.locator(OPEN).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#documents")


def agreed(visits: Visits, page: Page) -> None:
    """Go on to the issuer, prove, and agree there."""
    resident = visits.resident(0)
    known = len(visits.messages(page, resident))
    page.click(START)
    page.fill("#individual_id", resident["individual_id"])
    page.click(CONTINUE)
    page.wait_for_selector("#otp")
    visits.prove(page, 0, known)
    page.fill("#pin", resident["pin"])
    page.click(CONTINUE)
    page.wait_for_selector("#documents")
    page.click(ACCEPT)


def is_drawn(page: Page) -> bool:
    """Whether the image of the page has come."""
    until(page, lambda: bool(page.evaluate("document.querySelector('img.leaf').complete")))
    return bool(page.evaluate("document.querySelector('img.leaf').naturalWidth > 100"))


def test_behind_a_link_a_person_reads_signs_and_goes_back(visits: Visits, tmp_path: Path) -> None:
    page = visits.page()
    sent(visits, page)
    judged(page)
    fits(page)
    page.click(OPEN)
    page.wait_for_selector("#documents")
    judged(page)
    fits(page)
    assert is_drawn(page)
    picture(page, "hosted-signing")
    mine = tmp_path / "mine.pdf"
    mine.write_bytes(contract.sample_pdf(contract._TEXT))
    page.set_input_files("#file", str(mine))
    page.wait_for_selector(".same")
    page.click("a:has-text('Read')")
    page.wait_for_selector("img.leaf")
    judged(page)
    assert is_drawn(page)
    with page.expect_download() as given:
        page.click("a[href*='/file/']")
    assert given.value.path().read_bytes() == mine.read_bytes()
    page.click("nav.back a")
    agreed(visits, page)
    page.wait_for_selector(SIGNED, timeout=60_000)
    judged(page)
    light(page)
    with page.expect_download() as signed:
        page.click("a[href*='/signed/']")
    assert signed.value.path().read_bytes().startswith(mine.read_bytes())
    page.click("a.button[href*='state=signed']")
    page.wait_for_selector("h1:has-text('It is signed')")
    checked(page, signed.value.path())
    listed(page)


def is_told(page: Page, name: str) -> bool:
    """Whether the page speaks of this file, and has its digests."""
    told = page.text_content("#told") or ""
    return name in told and page.input_value("#digest") != ""


def listed(page: Page) -> None:
    """Come from one's own page at the issuer to the list of what one signed."""
    page.goto(urljoin(page.url, "/mine"))
    judged(page)
    fits(page)
    page.click("text=Back to your own page")
    page.click("a[href$='/mine']")
    page.locator("form[action='/mine/start'] button").focus()
    page.keyboard.press("Enter")
    page.click(ACCEPT)
    page.wait_for_selector(".rows")
    assert contract.NAME in page.inner_text("main")
    judged(page)
    fits(page)
    light(page)


def hashed(page: Page, document: Path) -> None:
    """Choose a document that stays here: the browser fills in its digests, and sends nothing."""
    posted: list[str] = []
    page.on("request", lambda one: posted.append(one.url))
    field = page.locator("#digest")
    field.fill("what was there before")
    large = document.with_name("large <b>.bin")
    large.write_bytes(bytes(9_000_000))  # read in pieces
    for file in (large, document):
        page.set_input_files("#own", str(file))
        until(page, partial(is_told, page, file.name))
        content = file.read_bytes()
        made = [hashlib.new(name, content).hexdigest() for name in ("sha256", "sha384", "sha512")]
        assert field.input_value() == " ".join(made)
        assert page.locator("#hashed").is_hidden(), "the progress is over"
    assert "stays on your device" in page.inner_text("#told")
    assert page.get_attribute("#told", "role") == "status", "readers of screens say it"
    judged(page)
    fits(page)
    assert posted == [], "the file stays in the browser"
    page.locator("details summary").focus()
    page.keyboard.press("Enter")
    assert "certutil" in page.inner_text("details")
    page.set_input_files("#own", [])
    until(page, lambda: field.input_value() == "")


def checked(page: Page, document: Path) -> None:
    """Have anybody's page judge it: read in every language, and by keyboard."""
    page.click("a[href$='/validate']")
    for tag in LANGUAGES:
        page.goto(f"{page.url.partition('?')[0]}?lang={tag}")
        assert page.get_attribute("html", "lang") == tag
        judged(page)
        fits(page)
        light(page)
    hashed(page, document)
    page.set_input_files("#document", str(document))
    page.locator("#file").set_input_files(str(document))
    page.locator("#digest").fill("no digest")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    judged(page)
    picture(page, "validation-fault")
    page.click("#problem a")
    assert page.evaluate("document.activeElement.id") == "digest"
    page.fill("#digest", "")
    page.set_input_files("#file", str(document))
    page.locator("main button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('The signature is valid')")
    judged(page)
    fits(page)
    light(page)
    picture(page, "validation")


def test_the_link_is_read_in_every_language_by_keyboard_without_scripts(
    visits: Visits,
) -> None:
    page = visits.page(viewport={"width": 320, "height": 640})
    opened(visits, page)
    for tag in LANGUAGES:
        page.goto(f"{page.url.partition('?')[0]}?lang={tag}")
        assert page.get_attribute("html", "lang") == tag
        judged(page)
        fits(page)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1
    page.locator(REJECT).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('This was not signed')")
    judged(page)
    plain = visits.page(java_script_enabled=False)
    opened(visits, plain)
    assert not plain.locator("#compare").is_visible()
    plain.goto(urljoin(plain.url, "/validate"))
    assert plain.locator("#digest").is_visible() and not plain.locator("#own").is_visible()
    plain.go_back()
    agreed(visits, plain)
    plain.wait_for_selector(SIGNED, timeout=60_000)
