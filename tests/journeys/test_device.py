"""A device is let in: codes, the person's pages, the tokens (RFC 8628)."""

import json
from dataclasses import replace

import pytest

from idp.protocol.device import GRANT_TYPE, typed
from idp.stores.clients import Clients
from tests.journeys.devices import (
    ACCEPT,
    CONFIRM,
    DENY,
    TELEVISION,
    Device,
    approve,
    to_question,
)
from tests.journeys.login_world import ORIGIN, Site
from tests.machines import claims_of
from tests.unit.idp.authorization_details.test_details import PAYMENT

SCOPE = frozenset({"openid", "profile"})


@pytest.mark.spec("RFC 8628 §3.2")
async def test_a_device_gets_its_codes(here: Site, device: Device) -> None:
    codes = await device.asks()
    assert len(codes["device_code"]) == 43
    assert typed(codes["user_code"]) and codes["expires_in"] == 600 and codes["interval"] == 5
    assert codes["verification_uri"] == f"{ORIGIN}/device"
    assert codes["verification_uri_complete"] == f"{ORIGIN}/device/{codes['user_code']}"
    metadata = await here.browser().get("/.well-known/openid-configuration")
    assert metadata.response.json()["device_authorization_endpoint"] == (
        f"{ORIGIN}/device_authorization"
    )
    assert GRANT_TYPE in metadata.response.json()["grant_types_supported"]


@pytest.mark.spec("RFC 8628 §3.3, §3.5")
async def test_a_person_lets_their_device_in(here: Site, device: Device) -> None:
    codes = await device.asks(nonce="n-9")
    assert (await device.polls())["error"] == "authorization_pending"
    browser = here.browser()
    page = await to_question(browser, codes["user_code"].replace("-", " "))
    assert codes["user_code"] in page.text and "Television" in page.text
    assert "To show your records" in page.text and "198.51.100.7" in page.text
    page = await approve(here, browser, page)
    assert page.url == f"{ORIGIN}/device/done" and "Go back to your device" in page.text
    here.clock.time += 5
    tokens = await device.polls()
    assert tokens["token_type"] == "Bearer" and tokens["id_token"], tokens
    answer = await here.browser().client.get(
        "/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert answer.status_code == 200 and answer.json()["name"]


@pytest.mark.spec("RFC 8628 §6.1")
@pytest.mark.parametrize("style", ["plain", "dashes", "arabic", "devanagari", "letters", "marks"])
async def test_a_code_is_typed_as_people_type(here: Site, device: Device, style: str) -> None:
    code = (await device.asks())["user_code"]
    digits = code.replace("-", "")
    text = {
        "plain": digits,
        "dashes": f" {code[:7]}\N{EN DASH}{code[7:]} ",
        "arabic": digits.translate({48 + n: 0x660 + n for n in range(10)}),
        "devanagari": digits.translate({48 + n: 0x966 + n for n in range(10)}),
        "letters": digits.translate(str.maketrans("0158", "oISb")),
        "marks": f"\N{RIGHT-TO-LEFT MARK}{digits[:4]} . {digits[4:]}",
    }[style]
    page = await to_question(here.browser(), text)
    assert page.url == f"{ORIGIN}/device/{code}" and code in page.text


async def test_a_scanned_code_is_shown_to_be_compared(here: Site, device: Device) -> None:
    codes = await device.asks()
    browser = here.browser(device.address)
    page = await browser.get(codes["verification_uri_complete"], **{"sec-fetch-site": "cross-site"})
    assert codes["user_code"] in page.text and "Television" in page.text
    assert "from the network that you use now" in page.text
    assert "198.51.100.7" not in page.text
    assert (await device.polls())["error"] == "authorization_pending"
    page = await browser.get(f"/device/{codes['user_code']}?lang=fr")
    assert "Votre propre appareil" in page.text and codes["user_code"] in page.text
    done = await approve(here, browser, page)
    assert done.url == f"{ORIGIN}/device/done"


@pytest.mark.attack("A31")
async def test_who_was_sent_a_code_says_no_and_the_device_is_told(
    here: Site, device: Device
) -> None:
    codes = await device.asks()
    browser = here.browser()
    page = await browser.get(codes["verification_uri_complete"])
    assert "Did somebody send you this code" in page.text
    page = await browser.press(page, codes["user_code"], DENY)
    assert page.url == f"{ORIGIN}/device/denied"
    assert (await device.polls())["error"] == "access_denied"
    page = await to_question(browser, codes["user_code"])
    assert page.status == 410 and "used already" in page.text


@pytest.mark.parametrize("leave", ["/cancel", "/consent"])
async def test_who_refuses_in_the_login_refuses_the_device(
    here: Site, device: Device, leave: str
) -> None:
    codes = await device.asks()
    browser = here.browser()
    page = await to_question(browser, codes["user_code"])
    page = await browser.press(page, codes["user_code"], CONFIRM)
    assert "on another device" in page.text and "Cancel and go back" not in page.text
    if leave == "/consent":
        page = await browser.press(page, "/identify", individual_id="4821009637")
        page = await browser.press(page, "/prove", otp=await here.code())
        assert "on another device" in page.text and "localhost" not in page.text
    page = await browser.press(page, leave, DENY)
    assert page.url == f"{ORIGIN}/device/denied"
    assert (await device.polls())["error"] == "access_denied"


async def test_who_is_signed_in_only_compares_and_agrees(here: Site, device: Device) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    page = await to_question(browser, (await device.asks())["user_code"])
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    page = await browser.press(page, "/consent", ACCEPT)
    assert page.url == f"{ORIGIN}/device/done" and "access_token" in await device.polls()
    page = await to_question(browser, (await device.asks())["user_code"])
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    assert page.url == f"{ORIGIN}/device/done" and "access_token" in await device.polls()


@pytest.mark.attack("A12")
async def test_no_other_page_confirms_or_refuses_a_code(here: Site, device: Device) -> None:
    code = (await device.asks())["user_code"]
    other = (await device.asks())["user_code"]
    browser, thief = here.browser(), here.browser()
    mine = await to_question(browser, code)
    theirs = await to_question(thief, code)
    another = await to_question(browser, other)
    for page in (theirs, another):
        token = dict(page.form(page.url.removeprefix(ORIGIN)).fields)["csrf"]
        for decision in ("confirm", "deny"):
            form = [("csrf", token), ("decision", decision)]
            assert (await browser.request("POST", mine.url, form)).status == 403
    fresh = here.browser()
    token = dict(mine.form(code).fields)["csrf"]
    form = [("csrf", token), ("decision", "confirm")]
    assert (await fresh.request("POST", mine.url, form)).status == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert (await browser.request("POST", mine.url, form, **foreign)).status == 403
    assert (await browser.request("POST", "/device", [("user_code", code)])).status == 403
    form = [("csrf", token), ("decision", "perhaps")]
    assert (await browser.request("POST", mine.url, form)).status == 409
    assert (await device.polls())["error"] == "authorization_pending"


async def test_the_login_belongs_to_the_browser_that_confirmed(here: Site, device: Device) -> None:
    browser = here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    assert (await here.browser().get(page.url)).status == 404


@pytest.mark.spec("RFC 8628 §3.5")
async def test_a_code_lapses(here: Site, device: Device) -> None:
    codes = await device.asks()
    browser = here.browser()
    page = await to_question(browser, codes["user_code"])
    login = await browser.press(page, codes["user_code"], CONFIRM)
    here.clock.time += 599
    assert (await device.polls())["error"] == "authorization_pending"
    here.clock.time += 1
    assert (await device.polls())["error"] == "expired_token"
    late = await browser.press(login, "/identify", individual_id="4821009637")
    assert late.status == 410 and "took too long" in late.text
    late = await browser.press(page, codes["user_code"], CONFIRM)
    assert late.status == 422 and "too old" in late.text


async def test_what_was_approved_in_the_last_second_is_collected(
    here: Site, device: Device
) -> None:
    codes = await device.asks()
    browser = here.browser()
    page = await to_question(browser, codes["user_code"])
    here.clock.time += 599
    assert (await approve(here, browser, page)).url == f"{ORIGIN}/device/done"
    here.clock.time += 30
    assert "access_token" in await device.polls()


async def test_what_nobody_collects_is_lost(here: Site, device: Device) -> None:
    browser = here.browser()
    page = await to_question(browser, (await device.asks())["user_code"])
    await approve(here, browser, page)
    here.clock.time += 660
    assert (await device.polls())["error"] == "expired_token"


@pytest.mark.spec("RFC 9396 §5, RFC 8707 §2")
async def test_a_device_asks_for_details_and_for_several_resources(here: Site) -> None:
    api = replace(TELEVISION, client_id="api", audience="https://a.example", audience_scope=SCOPE)
    other = replace(
        TELEVISION, client_id="other", audience="https://b.example", audience_scope=SCOPE
    )
    named = ("https://a.example", "https://b.example")
    asking = replace(TELEVISION, resources=named)
    clients = Clients(here.world.database)
    await here.world.database.submit(*(clients.insert(one) for one in (api, other, asking)))
    device, browser = Device(here), here.browser()
    details = json.dumps([PAYMENT])
    await device.asks(authorization_details=details, resource=list(named))
    assert device.codes is not None
    page = await to_question(browser, device.codes["user_code"])
    page = await browser.press(page, page.url.removeprefix(ORIGIN), CONFIRM)
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    assert "123.50 EUR" in page.text
    await browser.press(page, "/consent", ACCEPT)
    tokens = await device.polls(resource=named[0])
    claims = claims_of(tokens["access_token"])
    assert claims["aud"] == named[0] and claims["authorization_details"] == [PAYMENT]
