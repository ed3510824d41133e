"""Agreeing: what is asked, what is remembered, what is asked again, and taking it back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from idp.stores.clients import Clients
from tests.factor_world import AMINA
from tests.journeys.login_world import CLINIC, Site
from tests.residents import import_rows


def essential(*names: str) -> str:
    return json.dumps({"userinfo": {name: {"essential": True} for name in names}})


async def test_essential_and_voluntary_stand_apart(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, claims=essential("name"))
    ticks = [a["value"] for tag, a in page.reader.tags if a.get("type") == "checkbox"]
    assert "name" not in ticks and "birthdate" not in ticks and "email" in ticks
    assert "email_verified" not in ticks, "one line for an address and whether it was checked"
    assert "To book your visit" in page.text


async def test_only_what_is_ticked_is_shared(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, claims=essential("name"), scope="openid email phone")
    form = page.form("/consent")
    fields = [(n, v) for n, v in form.fields if v != "phone_number"]
    page = await browser.request("POST", form.action, [*fields, ("decision", "accept")])
    granted = (await here.authorization(page)).granted_claims
    assert granted == {"name", "email", "email_verified"}


@pytest.mark.attack("A39")
async def test_claims_that_were_not_asked_for_cannot_be_slipped_in(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, scope="openid email")
    form = page.form("/consent")
    fields = [*form.fields, ("claim", "address"), ("offline", "yes"), ("decision", "accept")]
    page = await browser.request("POST", form.action, fields)
    authorization = await here.authorization(page)
    assert authorization.granted_claims == {"email", "email_verified"}
    assert "offline_access" not in authorization.scope


async def test_it_is_remembered_and_only_what_is_new_is_asked(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser, scope="openid email")
    page = await browser.get(here.address(scope="openid email"))
    assert page.answer["code"]
    page = await browser.get(here.address(scope="openid email phone"))
    ticks = [a["value"] for _, a in page.reader.tags if a.get("type") == "checkbox"]
    assert ticks == ["phone_number"]
    assert "You agreed to this before" in page.text
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert (await here.authorization(page)).granted_claims >= {"email", "phone_number"}


async def test_what_was_declined_is_not_asked_again(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, scope="openid email phone")
    form = page.form("/consent")
    fields = [(n, v) for n, v in form.fields if n != "claim"]
    page = await browser.request("POST", form.action, [*fields, ("decision", "accept")])
    assert (await here.authorization(page)).granted_claims == set()
    page = await browser.get(here.address(scope="openid email phone"))
    assert page.answer["code"]
    page = await browser.get(here.address(scope="openid email", claims=essential("email")))
    assert page.has("needed"), "essential now: it must be asked"


async def test_prompt_consent_asks_everything_again(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await browser.get(here.address(prompt="consent"))
    assert page.has("claim-name") and page.has("claim-email")


@pytest.mark.attack("A39")
async def test_another_purpose_makes_everything_new(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    changed = replace(CLINIC, purposes={"": "To sell you things"})
    await here.world.database.submit(Clients(here.world.database).replace(changed))
    here.clock.time += 10
    page = await browser.get(here.address())
    assert page.has("claim-name") and "To sell you things" in page.text


async def test_a_consent_ends_in_its_time(here: Site) -> None:
    await here.logged_in(here.browser())
    here.clock.time += 365 * 86400
    assert (await here.proven(here.browser())).has("claim-name")


@pytest.mark.behaviour(22)
@pytest.mark.parametrize("agreed", [True, False])
async def test_offline_access_is_granted_only_when_agreed(here: Site, agreed: bool) -> None:
    browser = here.browser()
    page = await here.proven(browser, scope="openid offline_access")
    form = page.form("/consent")
    fields = [(n, v) for n, v in form.fields if agreed or n != "offline"]
    page = await browser.request("POST", form.action, [*fields, ("decision", "accept")])
    assert ("refresh_token" in await here.tokens(page)) is agreed
    again = await browser.get(here.address(scope="openid offline_access"))
    assert again.answer["code"], "what was decided is not asked again"
    assert ("refresh_token" in await here.tokens(again)) is agreed


async def test_where_nothing_is_asked_nobody_is_asked(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, scope="openid")
    assert page.answer["code"]


async def test_taking_it_back_kills_the_tokens_at_once(here: Site) -> None:
    browser = here.browser()
    tokens = await here.tokens(await here.logged_in(browser))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await browser.client.get("/userinfo", headers=bearer)).status_code == 200
    page = await browser.get("/me/consents")
    assert "Clinic" in page.text and "E-mail address" in page.text
    page = await browser.press(page, "/consents")
    assert "Clinic" not in page.text
    assert (await browser.client.get("/userinfo", headers=bearer)).status_code == 401
    assert (await browser.get(here.address())).has("claim-name")


async def test_nobody_is_asked_about_what_the_id_store_does_not_have(here: Site) -> None:
    browser, wanted = here.browser(), essential("nickname", "name")
    page = await here.proven(browser, claims=wanted)
    ticks = [a["value"] for _, a in page.reader.tags if a.get("type") == "checkbox"]
    assert "birthdate" not in ticks and "Nickname" not in page.text and "Full name" in page.text
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert "nickname" not in (await here.authorization(page)).granted_claims
    page = await browser.get(here.address(claims=wanted))
    assert page.answer["code"], "what is still missing is not asked about again"


async def test_what_the_id_store_learned_since_is_asked_about(here: Site, tmp_path: Path) -> None:
    browser = here.browser()
    page = await here.logged_in(browser, scope="openid profile")
    assert page.answer["code"]
    row = {**AMINA, "nickname": "Mina"}
    files = tmp_path / "rows"
    files.mkdir()
    world = here.world
    await import_rows(world.database, world.door, files, [json.dumps(row).encode()])
    page = await browser.get(here.address(scope="openid profile"))
    ticks = [a["value"] for _, a in page.reader.tags if a.get("type") == "checkbox"]
    assert ticks == ["nickname"]
