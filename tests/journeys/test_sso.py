"""Single sign-on: who must prove again, who need not, and what clients are told about when."""

import json

import pytest

from tests.factor_world import AMINA, BARAKA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CALLBACK, SHOP, Site

SESSION = "__Host-symbolon-session"


async def code_or_error(browser: Browser, here: Site, **asked: str | None) -> Page:
    page = await browser.get(here.address(**asked))
    assert page.url.startswith(CALLBACK), page.text
    return page


@pytest.mark.behaviour(6)
async def test_silence_without_a_session_is_login_required(here: Site) -> None:
    page = await code_or_error(here.browser(), here, prompt="none")
    assert page.answer["error"] == "login_required"


@pytest.mark.behaviour(6)
async def test_silence_with_a_session_keeps_who_and_when(here: Site) -> None:
    browser = here.browser()
    first = await here.authorization(await here.logged_in(browser))
    here.clock.time += 100
    again = await here.authorization(await code_or_error(browser, here, prompt="none"))
    assert again.subject == first.subject
    assert again.auth_time == first.auth_time
    assert again.session_id == first.session_id
    assert again.grant_id != first.grant_id


@pytest.mark.behaviour(6)
async def test_silence_where_something_new_is_asked_is_consent_required(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await code_or_error(browser, here, prompt="none", scope="openid profile email phone")
    assert page.answer["error"] == "consent_required"
    assert (await browser.get(here.address(SHOP, prompt="none"))).answer["error"] == (
        "consent_required"
    )


@pytest.mark.behaviour(7)
async def test_prompt_login_asks_again_and_is_later(here: Site) -> None:
    browser = here.browser()
    first = await here.authorization(await here.logged_in(browser))
    here.clock.time += 60
    page = await browser.get(here.address(prompt="login"))
    assert page.has("individual_id")
    page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
    page = await browser.press(page, "/prove", otp=await here.code())
    again = await here.authorization(page)
    assert again.auth_time == first.auth_time + 60


@pytest.mark.behaviour(7)
@pytest.mark.parametrize(
    ("max_age", "elapsed", "asked"),
    [
        ("0", 0, True),
        ("1", 1, True),
        ("60", 60, True),
        ("60", 59, False),
        ("10000", 100, False),
    ],
)
async def test_max_age_decides_by_the_age_of_the_proof(
    here: Site, max_age: str, elapsed: int, asked: bool
) -> None:
    browser = here.browser()
    first = await here.authorization(await here.logged_in(browser))
    here.clock.time += elapsed
    page = await browser.get(here.address(max_age=max_age))
    if asked:
        assert page.has("individual_id")
        page = await browser.press(page, "/identify", individual_id=AMINA["national_id"])
        page = await browser.press(page, "/prove", otp=await here.code())
    again = await here.authorization(page)
    assert again.auth_time_asked
    assert again.auth_time == first.auth_time + (elapsed if asked else 0)


@pytest.mark.behaviour(8)
async def test_a_hint_of_the_same_person_passes_even_when_it_expired(here: Site) -> None:
    browser = here.browser()
    hint = (await here.tokens(await here.logged_in(browser)))["id_token"]
    here.clock.time += 7200
    page = await code_or_error(browser, here, prompt="none", id_token_hint=hint)
    assert page.answer["code"]


@pytest.mark.behaviour(8)
async def test_a_hint_of_somebody_else_is_login_required(here: Site) -> None:
    hint = (await here.tokens(await here.logged_in(here.browser())))["id_token"]
    browser = here.browser()
    page = await here.named(browser, BARAKA["national_id"], id_token_hint=hint)
    page = await browser.press(page, "/prove", otp=await here.code())
    assert page.answer["error"] == "login_required"
    page = await code_or_error(browser, here, prompt="none", id_token_hint=hint)
    assert page.answer["error"] == "login_required"


@pytest.mark.behaviour(8)
async def test_a_hint_that_is_no_token_of_ours_is_refused(here: Site) -> None:
    page = await code_or_error(here.browser(), here, id_token_hint="eyJhbGciOiJub25lIn0.e30.")
    assert page.answer["error"] == "invalid_request"


@pytest.mark.behaviour(11)
@pytest.mark.parametrize("member", ["id_token", "userinfo"])
async def test_a_subject_asked_for_by_value_must_be_the_one(here: Site, member: str) -> None:
    browser = here.browser()
    subject = (await here.authorization(await here.logged_in(browser))).subject
    right = json.dumps({member: {"sub": {"value": subject}}})
    wrong = json.dumps({member: {"sub": {"value": "somebody"}}})
    assert (await code_or_error(browser, here, prompt="none", claims=right)).answer["code"]
    page = await code_or_error(browser, here, prompt="none", claims=wrong)
    assert page.answer["error"] == "login_required"


async def test_a_higher_level_asks_only_for_what_is_missing(here: Site) -> None:
    browser = here.browser()
    first = await here.authorization(await here.logged_in(browser))
    here.clock.time += 50
    page = await browser.get(here.address(acr_values="urn:symbolon:acr:two-factor"))
    assert not page.has("individual_id") and not page.has("otp")
    page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin=AMINA["pin"])
    again = await here.authorization(page)
    assert again.acr == "urn:symbolon:acr:two-factor"
    assert again.auth_time == first.auth_time, "no more recent than what it rests on"
    assert again.session_id == first.session_id


async def test_pairwise_subjects_differ_between_sectors_and_stay(here: Site) -> None:
    browser = here.browser()
    clinic = (await here.authorization(await here.logged_in(browser))).subject
    page = await browser.get(here.address(SHOP))
    page = await browser.press(page, "/consent", ("decision", "accept"))
    shop = (await here.authorization(page)).subject
    again = (await here.authorization(await here.logged_in(here.browser()))).subject
    assert clinic == again != shop and len(clinic) == 43


async def test_select_account_shows_who_goes_on(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await browser.get(here.address(prompt="select_account"))
    assert "Amina Odhiambo" in page.text
    same = await browser.press(page, "/account", ("account", "same"))
    assert same.answer["code"]
    page = await browser.get(here.address(prompt="select_account"))
    page = await browser.press(page, "/account", ("account", "other"))
    assert page.has("individual_id")
    page = await browser.press(page, "/identify", individual_id=BARAKA["national_id"])
    page = await browser.press(page, "/prove", otp=await here.code())
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert page.answer["code"]
    page = await browser.get(here.address(prompt="select_account"))
    assert "Go on as" in page.text


@pytest.mark.attack("A13")
async def test_every_proof_brings_a_new_session_cookie(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    old = browser.client.cookies.get(SESSION)
    thief = here.browser()
    thief.copy_cookies(browser)
    page = await browser.get(here.address(acr_values="urn:symbolon:acr:two-factor"))
    page = await browser.press(page, "/factor", ("factor", "pin"))
    await browser.press(page, "/prove", pin=AMINA["pin"])
    assert browser.client.cookies.get(SESSION) not in (None, old)
    page = await code_or_error(thief, here, prompt="none")
    assert page.answer["error"] == "login_required"


@pytest.mark.attack("A13")
async def test_a_session_cookie_is_worth_nothing_in_another_browser(here: Site) -> None:
    browser, thief = here.browser(), here.browser()
    await here.logged_in(browser)
    await thief.get(here.address())
    thief.client.cookies.set(SESSION, browser.client.cookies.get(SESSION) or "")
    page = await thief.get(here.address(prompt="none"))
    assert page.answer["error"] == "login_required"


async def test_a_lock_ends_single_sign_on_at_once(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    lock = here.world.residents.lock(here.world.amina.id, ("otp",), here.clock.now())
    await here.world.database.submit(lock)
    page = await code_or_error(browser, here, prompt="none")
    assert page.answer["error"] == "login_required"


async def test_a_session_ends_in_its_time(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    here.clock.time += 8 * 3600
    page = await code_or_error(browser, here, prompt="none")
    assert page.answer["error"] == "login_required"


async def test_many_logins_live_side_by_side_in_one_browser(here: Site) -> None:
    browser = here.browser()
    one = await here.named(browser, state="one")
    two = await here.named(browser, state="two")
    codes = [letter.code for letter in await here.world.letters()]
    two = await browser.press(two, "/prove", otp=codes[1])
    one = await browser.press(one, "/prove", otp=codes[0])
    two = await browser.press(two, "/consent", ("decision", "accept"))
    one = await browser.press(one, "/consent", ("decision", "accept"))
    assert two.answer["state"] == "two" and one.answer["state"] == "one"
