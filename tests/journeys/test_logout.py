"""Logging out at a client's wish, and at one's own."""

from urllib.parse import urlencode

import pytest

from tests.factor_world import BARAKA
from tests.journeys.browsers import Browser
from tests.journeys.login_world import CALLBACK, ORIGIN, SHOP, Site

BYE = "https://clinic.example/bye"


async def still_signed_in(here: Site, browser: Browser) -> bool:
    page = await browser.get(here.address(prompt="none"))
    assert page.url.startswith(CALLBACK)
    return "code" in page.answer


def logout(**asked: str) -> str:
    return f"/logout?{urlencode(asked)}"


@pytest.mark.behaviour(30)
async def test_a_valid_hint_and_a_registered_address_lead_back_with_state(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    page = await browser.get(
        logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="a b&c")
    )
    assert page.url == f"{BYE}?state=a+b%26c"
    assert not await still_signed_in(here, browser)


@pytest.mark.behaviour(30)
async def test_tokens_of_the_session_end_with_it_but_not_offline_ones(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    offline = await here.tokens(await here.logged_in(here.browser(), scope="openid offline_access"))
    await browser.get(logout(id_token_hint=tokens["id_token"]))
    assert (await browser.client.get("/userinfo", headers=bearer)).status_code == 401
    bearer = {"authorization": f"Bearer {offline['access_token']}"}
    assert (await browser.client.get("/userinfo", headers=bearer)).status_code == 200


@pytest.mark.behaviour(30)
@pytest.mark.attack("A9")
@pytest.mark.parametrize(
    "changes",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": f"{BYE}?x=1"},
        {"post_logout_redirect_uri": f"{BYE}/"},
        {"id_token_hint": "", "client_id": "clinic"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2xvY2FsaG9zdCJ9."},
        {"id_token_hint": "broken"},
        {"client_id": "shop"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_no_hint_vouches_for(
    here: Site, changes: dict[str, str]
) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    usual = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "s"}
    page = await browser.get(logout(**{**usual, **changes}))
    assert page.url.startswith(ORIGIN)
    assert "evil.example" not in "".join(page.reader.links)


@pytest.mark.behaviour(30)
async def test_a_hint_signed_by_another_key_counts_as_none(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    header, claims, signature = tokens["id_token"].split(".")
    forged = f"{header}.{claims}.{signature[:-6]}AAAAAA"
    page = await browser.get(logout(id_token_hint=forged, post_logout_redirect_uri=BYE))
    assert page.url.startswith(ORIGIN)
    assert await still_signed_in(here, browser), "nobody is logged out without being asked"


@pytest.mark.behaviour(30)
@pytest.mark.parametrize("asked", [{}, {"state": "s"}, {"client_id": "clinic"}])
async def test_without_a_hint_the_person_is_asked_first(here: Site, asked: dict[str, str]) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await browser.get(logout(**asked))
    assert await still_signed_in(here, browser)
    done = await browser.press(page, "/logout/confirm", ("decision", "continue"))
    assert done.status == 200 and "You are signed out" in done.text
    assert not await still_signed_in(here, browser)


async def test_who_wants_to_stay_stays(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await browser.get("/logout")
    page = await browser.press(page, "/logout/confirm", ("decision", "deny"))
    assert await still_signed_in(here, browser)


@pytest.mark.behaviour(31)
async def test_an_expired_hint_is_good_enough(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    here.clock.time += 7200
    page = await browser.get(
        logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, client_id="clinic")
    )
    assert page.url == BYE
    assert not await still_signed_in(here, browser)


@pytest.mark.behaviour(31)
async def test_a_hint_for_another_client_is_refused(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    page = await browser.get(logout(id_token_hint=tokens["id_token"], client_id=SHOP.client_id))
    assert page.status == 400
    assert await still_signed_in(here, browser)


async def test_a_hint_of_somebody_else_asks_whoever_is_there(here: Site) -> None:
    tokens = await here.tokens(await here.logged_in(here.browser()))
    browser = here.browser()
    page = await here.named(browser, BARAKA["national_id"])
    page = await browser.press(page, "/prove", otp=await here.code())
    await browser.press(page, "/consent", ("decision", "accept"))
    page = await browser.get(
        logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="s")
    )
    assert page.url.startswith(ORIGIN) and await still_signed_in(here, browser)
    page = await browser.press(page, "/logout/confirm", ("decision", "continue"))
    assert page.url == f"{BYE}?state=s"
    assert not await still_signed_in(here, browser)


async def test_a_client_may_ask_with_a_form(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    page = await browser.request(
        "POST",
        "/logout",
        [("id_token_hint", tokens["id_token"]), ("post_logout_redirect_uri", BYE)],
        sec_fetch_site="cross-site",
    )
    assert page.url == BYE
    assert not await still_signed_in(here, browser)


@pytest.mark.attack("A12")
async def test_another_site_cannot_confirm_a_logout(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    for token in ("", "wrong"):
        page = await browser.request(
            "POST", "/logout/confirm", [("csrf", token), ("decision", "continue")]
        )
        assert page.status == 403
    assert await still_signed_in(here, browser)


@pytest.mark.behaviour(30)
async def test_a_hint_of_another_session_of_the_same_person_asks_first(here: Site) -> None:
    elsewhere = await here.tokens(await here.logged_in(here.browser()))
    browser = here.browser()
    await here.logged_in(browser)
    page = await browser.get(logout(id_token_hint=elsewhere["id_token"]))
    assert page.form("/logout/confirm")
    assert await still_signed_in(here, browser)
