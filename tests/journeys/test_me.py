"""A resident's own pages: sessions, history, PIN, application, locks."""

import re
from base64 import b32decode

import pytest

from idp.factors.totp import code as totp_code
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import ORIGIN, Site


async def signed_in(here: Site, browser: Browser, path: str = "/me") -> Page:
    page = await browser.get(path)
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    return await browser.press(page, "/prove", otp=await here.code())


async def test_a_login_leads_to_the_page_that_was_asked_for(here: Site) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/history")
    assert page.url == f"{ORIGIN}/me/history" and page.status == 200
    assert "Signed in" in page.text and "On your own page" in page.text


async def test_every_link_of_the_own_pages_leads_somewhere(here: Site) -> None:
    browser = here.browser()
    await signed_in(here, browser)
    seen, waiting = set[str](), ["/me"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        page = await browser.get(path)
        assert page.status == 200, path
        assert "What you signed" not in page.text, "nobody signs here"
        waiting += [link for link in page.reader.links if link.startswith("/") and "?" not in link]
    assert {
        "/me/consents",
        "/me/sessions",
        "/me/factors",
        "/me/history",
        "/me/pin",
        "/me/totp",
    } <= (seen)


async def test_signing_out_elsewhere(here: Site) -> None:
    here_browser, there = here.browser(), here.browser()
    await signed_in(here, there)
    page = await signed_in(here, here_browser, "/me/sessions")
    assert "This browser" in page.text and "Another browser" in page.text
    page = await here_browser.press(page, "/sessions", ("session", "others"))
    assert "Another browser" not in page.text
    assert (await there.get("/me")).has("individual_id")
    assert not (await here_browser.get("/me")).has("individual_id")


async def test_nobody_ends_the_session_of_another_person(here: Site) -> None:
    theirs = here.browser()
    page = await theirs.get("/me")
    page = await theirs.press(page, "/identify", individual_id="5930117482")
    await theirs.press(page, "/prove", otp=await here.code())
    page = await theirs.get("/me/sessions")
    [session_id] = [value for name, value in page.form("/sessions").buttons if name == "session"]
    mine = here.browser()
    page = await signed_in(here, mine, "/me/sessions")
    fields = [*page.form("/sessions").fields, ("session", session_id)]
    await mine.request("POST", "/me/sessions", fields)
    assert not (await theirs.get("/me")).has("individual_id")


async def test_a_new_pin_is_the_pin(here: Site) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/pin")
    page = await browser.press(page, "/pin", new_pin="493827", new_pin_again="493828")
    assert page.status == 422 and page.has("problem")
    page = await browser.press(page, "/pin", new_pin="123456", new_pin_again="123456")
    assert page.status == 422 and page.has("new_pin_fault")
    page = await browser.press(page, "/pin", new_pin="493827", new_pin_again="493827")
    assert page.url == f"{ORIGIN}/me/factors?done=pin" and page.has("done")
    other = here.browser()
    page = await here.named(other)
    page = await other.press(page, "/factor", ("factor", "pin"))
    assert (await other.press(page, "/prove", pin=AMINA["pin"])).status == 422
    assert (await other.press(page, "/prove", pin="493827")).has("claim-name")


async def test_an_application_is_set_up_by_its_code(here: Site) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/totp")
    assert "<svg" in page.html and "style=" not in page.html
    written = re.search(r'<code dir="ltr">([A-Z2-7 ]+)</code>', page.html)
    assert written is not None
    seed = b32decode(written[1].replace(" ", ""))
    wrong = await browser.press(page, "/totp", totp="000000")
    assert wrong.status == 422 and written[1] in wrong.html, "the same secret is shown again"
    page = await browser.press(wrong, "/totp", totp=totp_code(seed, here.clock.now() // 30))
    assert page.url == f"{ORIGIN}/me/factors?done=totp" and page.has("done")
    here.clock.time += 60
    other = here.browser()
    page = await here.named(other)
    page = await other.press(page, "/factor", ("factor", "totp"))
    page = await other.press(page, "/prove", totp=totp_code(seed, here.clock.now() // 30))
    assert page.has("claim-name")


async def test_changing_how_one_signs_in_wants_a_recent_proof(here: Site) -> None:
    browser = here.browser()
    await signed_in(here, browser)
    here.clock.time += 301
    assert not (await browser.get("/me")).has("individual_id")
    for path in ("/me/pin", "/me/totp", "/me/factors"):
        assert (await browser.get(path)).has("individual_id")


async def test_a_lock_holds_until_it_is_opened(here: Site) -> None:
    browser = here.browser()
    page = await browser.get("/me/factors")
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin=AMINA["pin"])
    lock = next(form for form in page.reader.forms if ("factor", "otp") in form.fields)
    page = await browser.request("POST", lock.action, [*lock.fields, ("decision", "lock")])
    assert "Locked" in page.text
    sent = len(await here.world.letters())
    await here.named(here.browser())
    assert len(await here.world.letters()) == sent
    page = await browser.get("/me/factors")
    lock = next(form for form in page.reader.forms if ("factor", "otp") in form.fields)
    await browser.request("POST", lock.action, [*lock.fields, ("decision", "unlock")])
    assert (await here.proven(here.browser())).has("claim-name")


async def test_wrong_answers_of_others_are_told(here: Site) -> None:
    stranger = here.browser()
    page = await here.named(stranger)
    await stranger.press(page, "/prove", otp="000000")
    page = await signed_in(here, here.browser(), "/me/history")
    assert "A wrong code or PIN" in page.text and "Clinic" in page.text


@pytest.mark.attack("A12")
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/me/consents", ("client_id", "clinic")),
        ("/me/sessions", ("session", "others")),
        ("/me/factors", ("factor", "otp")),
        ("/me/pin", ("new_pin", "493827")),
        ("/me/totp", ("totp", "000000")),
    ],
)
async def test_forms_of_others_change_nothing(
    here: Site, path: str, field: tuple[str, str]
) -> None:
    browser = here.browser()
    await signed_in(here, browser)
    page = await browser.request("POST", path, [field, ("decision", "lock")])
    assert page.status == 403
    mine = (await browser.get("/me")).form("/logout/confirm").fields
    form = [*mine, field, ("decision", "lock")]
    for headers in ({"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}):
        page = await browser.request("POST", path, form, **headers)
        assert page.status == 403


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("1234", "6 to 12 digits"),
        ("abcdef", "6 to 12 digits"),
        ("121212", "easy to guess"),
        ("112233", "easy to guess"),
        ("987654", "easy to guess"),
        ("111112", "easy to guess"),
    ],
)
async def test_a_pin_that_others_guess_first_is_refused_with_a_reason(
    here: Site, pin: str, said: str
) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/pin")
    page = await browser.press(page, "/pin", new_pin=pin, new_pin_again=pin)
    assert page.status == 422 and said in page.text


async def test_locking_what_one_signed_in_with_says_so(here: Site) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/factors")
    lock = next(form for form in page.reader.forms if ("factor", "otp") in form.fields)
    page = await browser.request("POST", lock.action, [*lock.fields, ("decision", "lock")])
    assert page.status == 200 and "You locked the way in which you signed in here" in page.text
    assert (await browser.get("/me")).has("individual_id")


async def test_the_last_way_to_sign_in_is_locked_only_on_purpose(here: Site) -> None:
    browser = here.browser()
    page = await browser.get("/me/factors")
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin=AMINA["pin"])
    for factor in ("otp", "totp", "pin"):
        lock = next(form for form in page.reader.forms if ("factor", factor) in form.fields)
        page = await browser.request("POST", lock.action, [*lock.fields, ("decision", "lock")])
    assert "only support can help" in page.text, "nothing is locked yet"
    assert not (await browser.get("/me")).has("individual_id")
    page = await browser.press(page, "/factors", ("decision", "lock"))
    assert "You are signed out" in page.text


async def test_signing_out_here_says_so(here: Site) -> None:
    browser = here.browser()
    page = await signed_in(here, browser, "/me/sessions")
    page = await browser.press(page, "/sessions")
    assert "You are signed out" in page.text


async def test_no_other_site_says_what_was_done(here: Site) -> None:
    browser = here.browser()
    await signed_in(here, browser)
    page = await browser.get("/me/factors?done=pin", sec_fetch_site="cross-site")
    assert page.status == 200 and not page.has("done")
