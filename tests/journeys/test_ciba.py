"""Backchannel authentication: a client asks, a person says yes elsewhere, the client collects."""

import asyncio
import json
import re
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from config.runtime.database.unit import Statement, Write
from idp.protocol import ciba
from idp.residents.tables import resident
from tests.backchannel import PERSON, ask, known, poll, refusal
from tests.factor_world import AMINA, BARAKA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import ORIGIN, Site

APPROVE, REJECT = ("decision", "approve"), ("decision", "reject")
DONE = f"{ORIGIN}/approvals/done"


async def signed_in(
    here: Site, browser: Browser, path: str = "/me/approvals", person: Any = AMINA
) -> Page:
    page = await browser.get(path)
    page = await browser.press(page, "/identify", individual_id=person["national_id"])
    return await browser.press(page, "/prove", otp=await here.code())


async def agreed(browser: Browser, page: Page) -> Page:
    """Agree to share, where that is asked."""
    if "/login/" in page.url:
        page = await browser.press(page, "/consent", ("decision", "accept"))
    return page


async def link(here: Site) -> str:
    """The path of the link that was sent last."""
    texts = [letter.text for letter in await here.world.letters() if "/approvals/" in letter.text]
    found = re.search(rf"{ORIGIN}(/approvals/[A-Za-z0-9_-]+)", texts[-1])
    assert found is not None
    return found[1]


async def approved(here: Site) -> dict[str, Any]:
    """Ask, approve on the person's own page, and return the answer that the client got."""
    asked: dict[str, Any] = (await ask(here)).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
    assert page.url == DONE
    return asked


@pytest.mark.behaviour(53)
async def test_a_person_approves_on_their_own_page(here: Site) -> None:
    await known(here)
    answer = await ask(here, binding_message="Transfer 1234")
    assert answer.headers["cache-control"] == "no-store"
    asked = answer.json()
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"
    browser = here.browser()
    page = await signed_in(here, browser)
    assert "asks you to sign in" in page.text and "Transfer 1234" in page.text
    assert "To move your money" in page.text
    page = await browser.press(page, "/me/approvals", APPROVE)
    assert page.form("/consent"), "consent is asked as always"
    page = await agreed(browser, page)
    assert page.url == DONE and "You approved it" in page.text
    answer = await poll(here, asked["auth_req_id"])
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer" and {"access_token", "id_token"} <= set(tokens)
    assert refusal(await poll(here, asked["auth_req_id"])) == "invalid_grant", "once"
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    userinfo = await here.browser().client.get("/userinfo", headers=bearer)
    assert userinfo.json()["name"] == AMINA["name"], "a second poll revoked nothing"
    assert "Nobody waits for you" in (await browser.get("/me/approvals")).text


async def test_the_id_token_of_before_names_the_person(here: Site) -> None:
    await known(here)
    asked = await approved(here)
    tokens = (await poll(here, asked["auth_req_id"])).json()
    answer = await ask(here, login_hint=None, id_token_hint=tokens["id_token"])
    assert answer.status_code == 200
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await browser.press(page, "/me/approvals", APPROVE)
    assert page.url == DONE, "what was agreed to before is not asked again"
    other = await known(here, client_id="other", sector="other.example")
    answer = await ask(here, other, login_hint=None, id_token_hint=tokens["id_token"])
    assert refusal(answer) == "invalid_request", "it was issued to another client"


@pytest.mark.behaviour(53)
async def test_a_person_says_no(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await browser.press(page, "/me/approvals", REJECT)
    assert "You said no" in page.text and "Nobody waits for you" in page.text
    assert refusal(await poll(here, asked["auth_req_id"])) == "access_denied"
    page = await browser.get("/me/history")
    assert "Bank" in page.text


@pytest.mark.behaviour(53)
async def test_a_person_does_not_agree_to_share(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await browser.press(page, "/me/approvals", APPROVE)
    page = await browser.press(page, "/consent", ("decision", "deny"))
    assert page.url.startswith(DONE) and "You said no" in page.text
    assert refusal(await poll(here, asked["auth_req_id"])) == "access_denied"


@pytest.mark.behaviour(53)
async def test_a_request_lapses(here: Site) -> None:
    await known(here)
    asked = (await ask(here, requested_expiry="60")).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    here.clock.time += 61
    assert refusal(await poll(here, asked["auth_req_id"])) == "expired_token"
    page = await browser.press(page, "/me/approvals", APPROVE)
    assert page.status == 410 and "This request is over" in page.text
    assert "Nobody waits for you" in (await browser.get("/me/approvals")).text


@pytest.mark.behaviour(53)
async def test_who_polls_too_often_is_slowed_down(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"
    assert refusal(await poll(here, asked["auth_req_id"])) == "slow_down"
    here.clock.time += 5
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"


async def test_a_poll_reads_once_and_writes_nothing(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    await poll(here, asked["auth_req_id"])
    here.clock.time += 5
    await poll(here, asked["auth_req_id"])  # the client is known for five seconds from here on
    here.clock.time += 4
    here.world.database.asked.clear()
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"
    assert here.world.database.asked == ["read"]


@pytest.mark.behaviour(53)
async def test_the_auth_req_id_of_another_client_and_of_nobody(here: Site) -> None:
    await known(here)
    other = await known(here, client_id="other")
    push = await known(
        here,
        client_id="push",
        backchannel_token_delivery_mode=ciba.PUSH,
        backchannel_client_notification_endpoint="https://bank.example/ciba",
    )
    asked = await approved(here)
    assert refusal(await poll(here, asked["auth_req_id"], other)) == "invalid_grant"
    assert refusal(await poll(here, "x" * 43)) == "invalid_grant"
    assert refusal(await poll(here, asked["auth_req_id"], push)) == "unauthorized_client"
    assert "id_token" in (await poll(here, asked["auth_req_id"])).json(), "nothing was lost"


@pytest.mark.attack("A21")
async def test_nobody_acts_for_who_was_locked_after_approving(here: Site) -> None:
    await known(here)
    asked = await approved(here)
    lock = resident.update().where(resident.c.id == here.world.amina.id).values(state="locked")
    await here.world.database.submit(Write(Statement(lock), {}))
    assert refusal(await poll(here, asked["auth_req_id"])) == "invalid_grant"


async def test_a_link_opens_the_request_where_nobody_is_signed_in(here: Site) -> None:
    await known(here)
    asked = (await ask(here, binding_message="Transfer 1234")).json()
    browser = here.browser()
    page = await browser.get(await link(here))
    assert "Transfer 1234" in page.text and "asks you to sign in" in page.text
    page = await browser.press(page, page.url.removeprefix(ORIGIN), APPROVE)
    page = await browser.press(page, "/identify", individual_id=PERSON)
    page = await browser.press(page, "/prove", otp=await here.code())
    page = await agreed(browser, page)
    assert page.url == DONE
    assert "id_token" in (await poll(here, asked["auth_req_id"])).json()
    assert (await here.browser().get(await link(here))).status == 410


async def test_a_link_lapses_with_its_request(here: Site) -> None:
    await known(here)
    await ask(here, requested_expiry="60")
    browser = here.browser()
    path = await link(here)
    page = await browser.get(path)
    here.clock.time += 61
    assert (await browser.press(page, path, APPROVE)).status == 410
    assert (await browser.get(path)).status == 410
    assert (await browser.get("/approvals/" + "x" * 43)).status == 410


async def test_the_link_says_no_without_a_login(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    browser = here.browser()
    page = await browser.get(await link(here))
    page = await browser.press(page, page.url.removeprefix(ORIGIN), REJECT)
    assert "You said no" in page.text
    assert refusal(await poll(here, asked["auth_req_id"])) == "access_denied"


async def test_nobody_else_approves_or_ends_it(here: Site) -> None:
    """Somebody who got hold of the link, and is somebody else."""
    await known(here)
    asked = (await ask(here)).json()
    thief = here.browser()
    page = await thief.get(await link(here))
    page = await thief.press(page, page.url.removeprefix(ORIGIN), APPROVE)
    page = await thief.press(page, "/identify", individual_id=str(BARAKA["national_id"]))
    page = await thief.press(page, "/prove", otp=await here.code())
    assert page.url.startswith(DONE) and "It was not approved" in page.text
    assert refusal(await poll(here, asked["auth_req_id"])) == "authorization_pending"
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
    assert "id_token" in (await poll(here, asked["auth_req_id"])).json()


async def test_the_requests_of_others_are_not_shown(here: Site) -> None:
    await known(here)
    await ask(here)
    browser = here.browser()
    page = await signed_in(here, browser, person=BARAKA)
    assert "Nobody waits for you" in page.text
    mine = here.browser()
    page = await signed_in(here, mine)
    name = dict(page.form("/me/approvals").fields)["request"]
    theirs = await browser.get("/me/approvals")
    csrf = dict((await browser.get("/me/sessions")).form("/sessions").fields)["csrf"]
    for decision in ("approve", "reject"):
        form = [("csrf", csrf), ("request", name), ("decision", decision)]
        page = await browser.request("POST", "/me/approvals", form)
        assert page.status == 410
    assert "Nobody waits for you" in theirs.text
    assert "asks you to sign in" in (await mine.get("/me/approvals")).text


@pytest.mark.attack("A12")
async def test_a_form_of_another_site_approves_nothing(here: Site) -> None:
    await known(here)
    await ask(here)
    browser = here.browser()
    page = await signed_in(here, browser)
    name = dict(page.form("/me/approvals").fields)["request"]
    form = [("csrf", "x"), ("request", name), ("decision", "approve")]
    assert (await browser.request("POST", "/me/approvals", form)).status == 403
    page = await browser.press(
        page, "/me/approvals", APPROVE, headers={"sec_fetch_site": "cross-site"}
    )
    assert page.status == 403
    answer = await browser.client.post(
        await link(here), data={"decision": "reject"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


async def test_the_number_that_the_client_shows(here: Site) -> None:
    client = await known(here, number_match=True)
    asked = (await ask(here, client)).json()
    number = asked["number_match"]
    assert re.fullmatch("[0-9]{2}", number)
    browser = here.browser()
    page = await signed_in(here, browser)
    assert f'value="{number}"' not in page.html and f">{number}<" not in page.html
    wrong = f"{(int(number) + 1) % 100:02}"
    page = await browser.press(page, "/me/approvals", APPROVE, number=wrong)
    assert page.status == 422 and page.has("problem")
    page = await browser.press(page, "/me/approvals", APPROVE, number=" " + number)
    page = await agreed(browser, page)
    assert page.url == DONE
    assert "id_token" in (await poll(here, asked["auth_req_id"], client)).json()


async def test_three_wrong_numbers_end_it(here: Site) -> None:
    client = await known(here, number_match=True)
    asked = (await ask(here, client)).json()
    wrong = f"{(int(asked['number_match']) + 1) % 100:02}"
    browser = here.browser()
    path = await link(here)
    page = await browser.get(path)
    for typed in (wrong, ""):
        page = await browser.press(page, path, APPROVE, number=typed)
        assert page.status == 422
    page = await browser.press(page, path, APPROVE, number=wrong)
    assert page.status == 410
    assert refusal(await poll(here, asked["auth_req_id"], client)) == "access_denied"


async def test_a_browser_that_was_left_open_is_not_enough(here: Site) -> None:
    await known(here)
    browser = here.browser()
    await signed_in(here, browser)
    here.clock.time += 400
    await ask(here)
    page = await browser.get("/me/approvals")
    page = await browser.press(page, "/me/approvals", APPROVE)
    assert page.has("individual_id")


async def test_the_level_that_is_asked_for_is_proven(here: Site) -> None:
    await known(here)
    asked = (await ask(here, acr_values="urn:symbolon:acr:two-factor")).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    page = await browser.press(page, "/me/approvals", APPROVE)
    page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin=AMINA["pin"])
    page = await agreed(browser, page)
    assert page.url == DONE
    tokens = (await poll(here, asked["auth_req_id"])).json()
    assert claims_of(tokens["id_token"])["acr"] == "urn:symbolon:acr:two-factor"


async def test_a_code_against_unwanted_requests(here: Site) -> None:
    client = await known(here, backchannel_user_code_parameter=True)
    browser = here.browser()
    page = await signed_in(here, browser, "/me/user-code")
    page = await browser.press(page, "/user-code", ("decision", "save"), user_code="abc")
    assert page.status == 422 and page.has("user_code_fault")
    page = await browser.press(page, "/user-code", ("decision", "save"), user_code="Mango 7")
    assert page.status == 200 and "Your code is saved" in page.text
    assert (await ask(here, client, user_code="mango 7")).status_code == 200
    page = await browser.get("/me/approvals")
    assert "asks you to sign in" in page.text
    page = await browser.get("/me/user-code")
    page = await browser.press(page, "/user-code", ("decision", "remove"))
    assert "Your code is removed" in page.text
    assert refusal(await ask(here, client, user_code="mango7")) == "invalid_user_code"


async def test_the_grant_has_a_name_where_the_client_manages_grants(here: Site) -> None:
    await known(here)
    asked = (await ask(here, grant_management_action="create")).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    await agreed(browser, await browser.press(page, "/me/approvals", APPROVE))
    tokens = (await poll(here, asked["auth_req_id"])).json()
    assert tokens["grant_id"]


async def test_two_people_or_two_windows_approve_at_once(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    pages = [await browser.press(page, "/me/approvals", APPROVE) for _ in range(2)]
    ends = await asyncio.gather(*(agreed(browser, one) for one in pages))
    assert sorted(one.status for one in ends) in ([200, 200], [200, 409], [200, 410])
    tokens = (await poll(here, asked["auth_req_id"])).json()
    assert "id_token" in tokens


async def test_approved_and_rejected_at_once(here: Site) -> None:
    await known(here)
    asked = (await ask(here)).json()
    browser = here.browser()
    page = await signed_in(here, browser)
    last = await browser.press(page, "/me/approvals", APPROVE)
    await asyncio.gather(
        agreed(browser, last), here.browser().client.post(await link(here), data=dict([REJECT]))
    )
    answer = await poll(here, asked["auth_req_id"])
    assert answer.status_code == 200 or refusal(answer) == "access_denied"


async def test_of_many_polls_one_gets_the_tokens(here: Site) -> None:
    await known(here)
    asked = await approved(here)
    answers = await asyncio.gather(*(poll(here, asked["auth_req_id"]) for _ in range(8)))
    codes = [answer.status_code for answer in answers]
    assert codes.count(200) == 1 and set(codes) == {200, 400}
    [tokens] = [answer.json() for answer in answers if answer.status_code == 200]
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await here.browser().client.get("/userinfo", headers=bearer)).status_code == 200


async def test_pages_of_approval_in_every_language(here: Site) -> None:
    await known(here, number_match=True)
    await ask(here, binding_message="Transfer 1234")
    path = await link(here)
    for tag in ("en", "fr", "es", "ar", "hi", "sw"):
        page = await here.browser().get(f"{path}?lang={tag}")
        assert page.status == 200 and f'lang="{tag}"' in page.html
        assert "Transfer 1234" in page.text and len(page.html.encode()) < 14_000
        if tag != "en":
            assert "asks you to sign in" not in page.text
        if tag == "ar":
            assert 'dir="rtl"' in page.html


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
