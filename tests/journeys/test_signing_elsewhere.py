"""Signatures that a device or the backchannel asks for: approved by the person elsewhere."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from idp.protocol.signing import CREDENTIAL
from idp.stores.clients import Clients
from keystore.door import KeyServiceUnavailable
from keystore.signing.door import NotActivated
from tests.backchannel import ask, known, poll
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.devices import ACCEPT, CONFIRM, DENY, TELEVISION, Device, to_question
from tests.journeys.hosted_world import House, hosted
from tests.journeys.login_world import ORIGIN
from tests.journeys.test_ciba import signed_in
from tests.journeys.test_signing import document, inside, order, read, wish

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEASE = b"The lease of the house"
KIOSK = replace(
    TELEVISION,
    client_id="kiosk",
    names={"": "Kiosk"},
    authorization_details_types=(CREDENTIAL,),
    sector="client:kiosk",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with hosted(tmp_path_factory.mktemp("hosted")) as made:
        database = made.here.world.database
        await database.submit(Clients(database).insert(KIOSK))
        yield made


async def proven(house: House, browser: Browser, page: Page) -> Page:
    """Come from the first page of a login to the page on which the person signs."""
    page = await browser.press(page, "/identify", individual_id=str(AMINA["national_id"]))
    page = await browser.press(page, "/prove", otp=await house.here.code())
    return await browser.press(page, "/prove", pin=AMINA["pin"])


async def one_signature(house: House, tokens: dict[str, Any]) -> None:
    """The token signs what was approved, and nothing else."""
    [detail] = inside(tokens["access_token"])["authorization_details"]
    [made] = await house.keys.esignet.sign_documents(order(detail["activation"], LEASE))
    assert made.value
    with pytest.raises((NotActivated, KeyServiceUnavailable)):
        await house.keys.esignet.sign_documents(order(detail["activation"], b"another lease"))


async def test_a_device_has_signed_what_a_person_reads_elsewhere(house: House) -> None:
    device = Device(house.here, KIOSK)
    asked = json.dumps([wish(document(LEASE))])
    codes = await device.asks(scope="openid", authorization_details=asked)
    browser = house.here.browser()
    page = await to_question(browser, codes["user_code"])
    page = await browser.press(page, urlsplit(page.url).path, CONFIRM)
    page = await proven(house, browser, page)
    for shown in ("Lease", "Kiosk", "on another device"):
        assert shown in read(page), page.text
    page = await browser.press(page, "/consent", ACCEPT)
    assert page.url == f"{ORIGIN}/device/done"
    await one_signature(house, await device.polls())


async def test_who_does_not_confirm_a_device_signs_nothing(house: House) -> None:
    device = Device(house.here, KIOSK)
    asked = json.dumps([wish(document(LEASE))])
    codes = await device.asks(scope="openid", authorization_details=asked)
    browser = house.here.browser()
    page = await to_question(browser, codes["user_code"])
    await browser.press(page, urlsplit(page.url).path, DENY)
    assert (await device.polls())["error"] == "access_denied"


async def test_a_request_through_the_backchannel_is_signed_where_the_person_approves(
    house: House,
) -> None:
    await known(house.here, authorization_details_types=(CREDENTIAL,))
    asked = json.dumps([wish(document(LEASE))])
    answer = await ask(house.here, scope="openid", authorization_details=asked)
    assert answer.status_code == 200, answer.text
    request = answer.json()["auth_req_id"]
    browser = house.here.browser()
    page = await signed_in(house.here, browser)
    page = await browser.press(page, "/me/approvals", ("decision", "approve"))
    # What opens a person's own pages is not enough to sign: a second factor is asked for.
    page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin=AMINA["pin"])
    assert "Lease" in page.text and "on another device" in page.text
    page = await browser.press(page, "/consent", ACCEPT)
    assert page.url == f"{ORIGIN}/approvals/done"
    await one_signature(house, (await poll(house.here, request)).json())
