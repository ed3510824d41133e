"""What a device is refused, and what it gets only once (RFC 8628 §3.5)."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Statement, Write
from config.settings import Issuer
from config.settings.features import Features
from idp.protocol.device import GRANT_TYPE
from idp.residents.tables import resident
from idp.stores.clients import Clients
from tests.journeys.devices import (
    ACCEPT,
    CONFIRM,
    DENY,
    TELEVISION,
    Device,
    approve,
    to_question,
    tokens_of,
    userinfo,
)
from tests.journeys.login_world import ORIGIN, Site, site


@pytest.mark.spec("RFC 8628 §3.5")
async def test_who_polls_too_often_is_slowed_down_and_writes_nothing(
    here: Site, device: Device
) -> None:
    await device.asks()
    here.world.database.asked.clear()
    said = []
    for step in (0, 0, 2, 3, 5, 5):
        here.clock.time += step
        said.append((await device.polls())["error"])
    assert said == [
        "authorization_pending",
        "slow_down",
        "slow_down",
        "authorization_pending",
        "authorization_pending",
        "authorization_pending",
    ]
    assert not [one for one in here.world.database.asked if one.startswith(("submit", "take"))]


@pytest.mark.spec("RFC 6749 §4.1.2")
async def test_a_device_code_that_is_used_again_ends_what_it_brought(
    here: Site, device: Device
) -> None:
    tokens = await tokens_of(here, device, scope="openid profile offline_access")
    assert tokens["refresh_token"] and await userinfo(here, tokens) == 200
    here.clock.time += 86_400
    assert (await device.polls())["error"] == "invalid_grant"
    assert await userinfo(here, tokens) == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await device.polls(**form))["error"] == "invalid_grant"


async def test_another_client_cannot_collect_and_learns_nothing(here: Site, device: Device) -> None:
    radio = replace(TELEVISION, client_id="radio")
    await here.world.database.submit(Clients(here.world.database).insert(radio))
    browser = here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    stranger = Device(here, radio, codes=device.codes)
    assert (await stranger.polls())["error"] == "invalid_grant"
    await approve(here, browser, page)
    assert (await stranger.polls())["error"] == "invalid_grant"
    tokens = await device.polls()
    assert (await stranger.polls())["error"] == "invalid_grant"
    assert await userinfo(here, tokens) == 200
    assert (await device.polls(device_code="x" * 43))["error"] == "invalid_grant"
    assert (await device.polls(device_code=""))["error"] == "invalid_request"


@pytest.mark.attack("A21")
async def test_nobody_acts_for_a_person_who_was_locked_meanwhile(
    here: Site, device: Device
) -> None:
    browser = here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    await approve(here, browser, page)
    lock = resident.update().where(resident.c.id == here.world.amina.id).values(state="locked")
    await here.world.database.submit(Write(Statement(lock), {}))
    assert (await device.polls())["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "none"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "urn:x"}, "request_uri_not_supported"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"nonce": "n" * 5000}, "invalid_request"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"client_id": "clinic"}, "unauthorized_client"),
        ({"client_id": "nobody"}, "invalid_client"),
    ],
)
async def test_a_request_that_cannot_be_granted_is_refused(
    device: Device, asked: dict[str, str], error: str
) -> None:
    assert (await device.asks(**asked))["error"] == error


async def test_a_client_that_lost_the_grant_is_let_in_no_more(here: Site, device: Device) -> None:
    codes = await device.asks()
    changed = replace(TELEVISION, grant_types=("authorization_code",))
    await here.world.database.submit(Clients(here.world.database).replace(changed))
    here.clock.time += 10
    page = await to_question(here.browser(), codes["user_code"])
    assert page.status == 422
    assert (await device.polls())["error"] == "unauthorized_client"


async def test_one_of_two_approvals_counts(here: Site, device: Device) -> None:
    code = (await device.asks())["user_code"]
    browsers = [here.browser(), here.browser()]
    pages = []
    for browser in browsers:
        page = await to_question(browser, code)
        page = await browser.press(page, code, CONFIRM)
        page = await browser.press(page, "/identify", individual_id="4821009637")
        pages.append(await browser.press(page, "/prove", otp=await here.code()))
    ends = await asyncio.gather(
        *(
            browser.press(page, "/consent", ACCEPT)
            for browser, page in zip(browsers, pages, strict=True)
        )
    )
    assert sorted(end.status for end in ends) == [200, 409]
    assert "access_token" in await device.polls()


async def test_one_of_two_polls_gets_the_tokens(here: Site, device: Device) -> None:
    browser = here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    await approve(here, browser, page)
    answers = await asyncio.gather(*(device.polls() for _ in range(5)))
    assert sum("access_token" in answer for answer in answers) <= 1
    assert all(answer.get("error", "invalid_grant") == "invalid_grant" for answer in answers)


async def test_approval_and_refusal_at_once(here: Site, device: Device) -> None:
    code = (await device.asks())["user_code"]
    browser, other = here.browser(), here.browser()
    page = await to_question(browser, code)
    page = await browser.press(page, code, CONFIRM)
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    refusing = await to_question(other, code)
    await asyncio.gather(browser.press(page, "/consent", ACCEPT), other.press(refusing, code, DENY))
    said = await device.polls()
    assert ("access_token" in said) is not (said.get("error") == "access_denied")


async def test_an_issuer_that_does_not_offer_it_has_neither_endpoint_nor_pages(
    database: OpenDatabase, tmp_path: Path
) -> None:
    quiet = Issuer(
        address=f"{ORIGIN}/quiet",
        profile="oidc",
        algorithms=("ES256",),
        features=Features(grant_types=("authorization_code",)),
    )
    async with site(database, tmp_path, quiet) as here:
        browser = here.browser()
        assert (await browser.get("/device")).status == 200
        assert (await browser.get("/quiet/device")).status == 404
        answer = await browser.client.post("/quiet/device_authorization", data={"client_id": "x"})
        assert answer.status_code == 404
        document = await browser.get("/quiet/.well-known/openid-configuration")
        assert "device_authorization_endpoint" not in document.response.json()


async def test_a_code_is_one_issuers(database: OpenDatabase, tmp_path: Path) -> None:
    """Issuers share a database, and nothing that they know."""
    other = Issuer(address=f"{ORIGIN}/other", profile="oidc", algorithms=("ES256",))
    async with site(database, tmp_path, other) as here:
        await database.submit(Clients(database).insert(TELEVISION))
        device = Device(here)
        code = (await device.asks())["user_code"]
        assert (await here.browser().get(f"/other/device/{code}")).status == 422
        form = {"grant_type": GRANT_TYPE, "device_code": (device.codes or {})["device_code"]}
        answer = await here.browser().client.post(
            "/other/token", data=form | {"client_id": TELEVISION.client_id}
        )
        assert answer.json()["error"] == "invalid_client"
        assert (await device.polls())["error"] == "authorization_pending"


async def test_who_signs_out_takes_back_what_no_device_collected_yet(
    here: Site, device: Device
) -> None:
    browser = here.browser()
    for scope, outlives in (("openid", False), ("openid offline_access", True)):
        code = (await device.asks(scope=scope))["user_code"]
        page = await browser.press(await to_question(browser, code), code, CONFIRM)
        if "individual_id" in page.html:
            page = await browser.press(page, "/identify", individual_id="4821009637")
            page = await browser.press(page, "/prove", otp=await here.code())
        if "/consent" in page.html:
            await browser.press(page, "/consent", ACCEPT)
        page = await browser.get("/logout")
        await browser.press(page, "/logout/confirm", ("decision", "continue"))
        told = await device.polls()
        assert ("access_token" in told) is outlives
        assert outlives or told["error"] == "invalid_grant"
