"""Rich authorization requests: what a person agrees to is shown, agreed to each time, and told."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from tests.journeys.login_world import SHOP, Site
from tests.unit.idp.authorization_details.test_details import PAYMENT, RECORDS

pytestmark = pytest.mark.spec("RFC 9396")


def asked(*details: Any) -> dict[str, str]:
    return {"scope": "openid", "authorization_details": json.dumps(list(details))}


async def test_a_person_sees_what_is_asked_and_the_client_gets_just_that(here: Site) -> None:
    page = await here.proven(here.browser(), **asked(PAYMENT, RECORDS))
    for shown in ("Make this payment", "123.50 EUR", "DE02100100109307118603", "prescriptions"):
        assert shown in page.text
    browser = here.browser()
    page = await here.logged_in(browser, **asked(PAYMENT))
    assert (await here.authorization(page)).details == (PAYMENT,)


async def test_it_is_asked_each_time_whatever_was_agreed_before(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser, **asked(PAYMENT))
    page = await browser.get(here.address(**asked(PAYMENT)))
    assert "Make this payment" in page.text
    silent = await browser.get(here.address(**asked(PAYMENT), prompt="none"))
    assert silent.answer["error"] == "consent_required"


async def test_it_is_shown_in_the_language_of_the_person(here: Site) -> None:
    page = await here.proven(here.browser(), ui_locales="fr", **asked(PAYMENT))
    assert "Effectuer ce paiement" in page.text and "Merchant A" in page.text


async def test_whoever_refuses_grants_nothing(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, **asked(PAYMENT))
    page = await browser.press(page, "/consent", ("decision", "deny"))
    assert page.answer["error"] == "access_denied"


@pytest.mark.parametrize("wrong", [PAYMENT | {"creditorName": ""}, {"type": "unheard_of"}])
async def test_what_is_wrong_is_told_to_the_client(here: Site, wrong: Any) -> None:
    page = await here.browser().get(here.address(**asked(wrong)))
    assert page.answer["error"] == "invalid_authorization_details"


async def test_a_client_that_did_not_register_the_type_gets_nothing(here: Site) -> None:
    page = await here.browser().get(here.address(SHOP, **asked(PAYMENT)))
    assert page.answer["error"] == "invalid_authorization_details"


@pytest.mark.spec("RFC 9396 §7")
async def test_tokens_tell_what_was_granted_and_may_be_asked_for_less(here: Site) -> None:
    browser = here.browser()
    page = await here.logged_in(
        browser, authorization_details=json.dumps([PAYMENT, RECORDS]), scope="openid offline_access"
    )
    first = await here.tokens(page)
    assert first["authorization_details"] == [PAYMENT, RECORDS]
    less = RECORDS | {"actions": ["read"]}
    form = {"grant_type": "refresh_token", "client_id": "clinic"}
    form["refresh_token"] = first["refresh_token"]
    more = form | {"authorization_details": json.dumps([RECORDS | {"records": ["letters"]}])}
    refused = (await browser.client.post("/token", data=more)).json()
    assert refused["error"] == "invalid_authorization_details"
    narrow = form | {"authorization_details": json.dumps([less])}
    again = (await browser.client.post("/token", data=narrow)).json()
    assert again["authorization_details"] == [less]
    body = again["access_token"].split(".")[1]
    assert json.loads(urlsafe_b64decode(body + "=="))["authorization_details"] == [less]
