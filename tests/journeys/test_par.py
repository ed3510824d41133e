"""Pushed authorization requests (RFC 9126): pushed by a client, opened by a browser, used once."""

import asyncio
from urllib.parse import quote

import pytest
from sqlalchemy import select

from config.runtime.database.unit import Statement
from config.settings import Features, Issuer, Lifetimes
from idp.protocol import par
from idp.stores.oauth_tables import pushed_request
from tests.journeys.login_world import CALLBACK, ORIGIN, PUSHES, SHOP, Site
from tests.signing import (
    FAPI,
    PLAIN,
    REQUEST,
    agreed,
    credentials,
    known,
    opening,
    proven,
    push,
    through,
)

LIFETIME = Lifetimes().pushed_request


@pytest.mark.behaviour(35)
@pytest.mark.spec("RFC 9126 §2.2")
async def test_a_request_that_was_pushed_leads_to_a_code(here: Site) -> None:
    answer = await push(here)
    assert answer.status_code == 201
    told = answer.json()
    assert told.keys() == {"request_uri", "expires_in"}
    assert told["request_uri"].startswith(par.PREFIX)
    assert len(told["request_uri"].removeprefix(par.PREFIX)) == 43, "256 bits"
    assert 5 <= told["expires_in"] < 600
    assert answer.headers["cache-control"] == "no-store"
    browser = here.browser()
    page = await through(here, browser, await browser.get(opening(answer)))
    assert page.url.startswith(CALLBACK)
    assert page.answer["state"] == "s-1"
    assert page.answer["iss"]
    assert (await here.authorization(page)).nonce == "n-1"


@pytest.mark.behaviour(34)
@pytest.mark.spec("FAPI 2.0 Security Profile §5.3.2.2 (3)")
async def test_under_fapi_a_request_that_was_not_pushed_is_refused(here: Site) -> None:
    client = await known(here, FAPI)
    page = await here.browser().get(here.address(client))
    assert page.answer["error"] == "invalid_request"
    assert page.answer["state"] == "s-1"
    page = await here.browser().get(here.address(client, request="e30.e30."))
    assert page.answer["error"] == "invalid_request", "nor one in an object by value"


@pytest.mark.behaviour(34)
@pytest.mark.parametrize("response_type", ["id_token", "code id_token", "token", "none", "bogus"])
async def test_under_fapi_there_is_no_response_type_but_code(
    here: Site, response_type: str
) -> None:
    client = await known(here, FAPI)
    answer = await push(here, client, response_type=response_type)
    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_response_type"


@pytest.mark.spec("RFC 9126 §6")
async def test_a_client_may_bind_itself_to_pushing(here: Site) -> None:
    client = await known(here, PLAIN, require_pushed_authorization_requests=True)
    page = await here.browser().get(here.address(client))
    assert page.answer["error"] == "invalid_request"
    page = await here.browser().get(opening(await push(here, client), client))
    assert page.has("individual_id")


@pytest.mark.behaviour(35)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": f"{par.PREFIX}{'x' * 43}"}, "invalid_request"),
        ({"request_uri": "https://clinic.example/request"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://clinic.example/cb/"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"id_token_hint": "e30.e30.e30"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"response_mode": "smoke_signal"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"client_assertion": "e30.e30.e30"}, "invalid_client"),
        ({"client_id": "shop"}, "invalid_client"),
    ],
)
async def test_what_is_wrong_is_said_while_the_client_is_there(
    here: Site, changes: dict[str, str | None], error: str
) -> None:
    answer = await push(here, await known(here, FAPI), **changes)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error


@pytest.mark.behaviour(35)
async def test_only_post_pushes(here: Site) -> None:
    client = here.browser().client
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, "/par")
        assert answer.status_code == 405, method


@pytest.mark.behaviour(35)
async def test_a_parameter_that_stands_twice_is_refused(here: Site) -> None:
    body = "client_id=clinic&scope=openid&scope=profile"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await here.browser().client.post("/par", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.behaviour(35)
async def test_what_stands_beside_the_reference_is_ignored(here: Site) -> None:
    more = {
        "scope": "openid phone",
        "state": "other",
        "nonce": "other",
        "redirect_uri": "https://evil.example/cb",
        "prompt": "none",
        "request": "e30.e30.",
        "response_mode": "fragment",
    }
    browser = here.browser()
    page = await browser.get(opening(await push(here), **more))
    page = await through(here, browser, page)
    assert page.url.startswith(f"{CALLBACK}?")
    assert page.answer["state"] == "s-1"
    authorization = await here.authorization(page)
    assert authorization.nonce == "n-1"
    assert "phone" not in authorization.scope


@pytest.mark.behaviour(35)
@pytest.mark.attack("A17")
@pytest.mark.parametrize(
    "reference",
    [
        par.PREFIX + "x" * 43,
        par.PREFIX,
        par.PREFIX + "x" * 44,
        par.PREFIX + "../" * 14 + "x",
        par.PREFIX + "é" * 43,
    ],
)
async def test_a_reference_to_nothing_is_refused_on_a_page(here: Site, reference: str) -> None:
    page = await here.browser().get(f"/authorize?client_id=clinic&request_uri={quote(reference)}")
    assert page.status == 400
    assert "invalid_request_uri" in page.text
    assert "location" not in page.response.headers


@pytest.mark.behaviour(35)
@pytest.mark.spec("RFC 9126 §2.2")
async def test_the_request_of_another_client_is_as_unknown_as_none(here: Site) -> None:
    page = await here.browser().get(opening(await push(here), SHOP))
    assert page.status == 400
    assert "request_uri is unknown" in page.text


@pytest.mark.behaviour(35)
@pytest.mark.spec("RFC 9126 §4")
async def test_a_request_that_nobody_opened_in_time_is_refused(here: Site) -> None:
    address = opening(await push(here))
    here.clock.time += LIFETIME - 1
    other = opening(await push(here))
    here.clock.time += 1
    page = await here.browser().get(address)
    assert page.status == 400
    assert "request_uri expired" in page.text
    assert (await here.browser().get(other)).has("individual_id")


@pytest.mark.behaviour(35)
async def test_a_slow_resident_is_not_punished_for_the_lifetime(here: Site) -> None:
    browser, address = here.browser(), opening(await push(here))
    page = await browser.get(address)
    here.clock.time += LIFETIME + 60
    page = await browser.get(address)  # back and forth
    page = await through(here, browser, page)
    assert page.url.startswith(CALLBACK)


@pytest.mark.behaviour(36)
@pytest.mark.spec("FAPI 2.0 Security Profile §5.3.2.2")
async def test_a_page_may_be_loaded_again_until_a_code_is_issued(here: Site) -> None:
    browser, address = here.browser(), opening(await push(here))
    await here.browser("203.0.113.77").get(address)  # a program that previews links
    page = await browser.get(address)
    page = await browser.get(address)
    page = await through(here, browser, page)
    assert page.url.startswith(CALLBACK)
    for visitor in (browser, here.browser()):
        page = await visitor.get(address)
        assert page.status == 400
        assert "request_uri was used before" in page.text


@pytest.mark.behaviour(36)
@pytest.mark.attack("A17")
async def test_the_second_window_to_finish_gets_no_code(here: Site) -> None:
    address = opening(await push(here))
    first, second = here.browser(), here.browser()
    pages = [await first.get(address), await second.get(address)]
    pages = [
        await proven(here, browser, page)
        for browser, page in zip((first, second), pages, strict=True)
    ]
    done = [
        await agreed(browser, page) for browser, page in zip((first, second), pages, strict=True)
    ]
    assert "code" in done[0].answer
    assert done[1].answer["error"] == "invalid_request_uri"
    assert done[1].answer["state"] == "s-1"


@pytest.mark.behaviour(36)
@pytest.mark.attack("A17")
async def test_of_windows_that_finish_at_once_one_gets_a_code(here: Site) -> None:
    address = opening(await push(here))
    browsers = [here.browser() for _ in range(5)]
    pages = [await proven(here, browser, await browser.get(address)) for browser in browsers]
    done = await asyncio.gather(
        *(agreed(browser, page) for browser, page in zip(browsers, pages, strict=True))
    )
    codes = [page for page in done if "code" in page.answer]
    refused = [page.answer.get("error") for page in done if "code" not in page.answer]
    assert len(codes) == 1
    assert refused == ["invalid_request_uri"] * 4


@pytest.mark.behaviour(36)
async def test_single_sign_on_uses_a_request_up_as_well(here: Site) -> None:
    browser = here.browser()
    await here.logged_in(browser)
    address = opening(await push(here))
    assert "code" in (await browser.get(address)).answer
    assert (await browser.get(address)).status == 400
    at_once = opening(await push(here))
    done = await asyncio.gather(*(browser.get(at_once) for _ in range(4)))
    assert sum("code" in page.answer for page in done) == 1


@pytest.mark.behaviour(35)
async def test_who_opens_it_again_and_again_does_not_make_it_last(here: Site) -> None:
    browser, address = here.browser(), opening(await push(here))
    await browser.get(address)
    here.clock.time += LIFETIME + Lifetimes().login - 10
    page = await proven(here, browser, await browser.get(address))
    here.clock.time += 10
    page = await agreed(browser, page)
    assert page.answer["error"] == "invalid_request_uri"


@pytest.mark.behaviour(36)
async def test_a_second_click_on_agree_refuses_nobody(here: Site) -> None:
    browser = here.browser()
    page = await proven(here, browser, await browser.get(opening(await push(here))))
    done = await asyncio.gather(*(agreed(browser, page) for _ in range(3)))
    assert sum("code" in one.answer for one in done) == 1
    assert not any("error" in one.answer for one in done)


@pytest.mark.behaviour(36)
async def test_who_declined_may_come_back_with_the_same_request(here: Site) -> None:
    browser, address = here.browser(), opening(await push(here))
    page = await browser.get(address)
    page = await browser.press(page, "/cancel")
    assert page.answer["error"] == "access_denied"
    page = await through(here, browser, await browser.get(address))
    assert "code" in page.answer


@pytest.mark.behaviour(45)
async def test_who_declines_is_told_with_state_and_issuer(here: Site) -> None:
    client = await known(here, FAPI)
    browser = here.browser()
    page = await browser.get(opening(await push(here, client), client))
    page = await browser.press(page, "/cancel")
    assert page.answer["error"] == "access_denied"
    assert page.answer["state"] == "s-1"
    assert page.answer["iss"]


@pytest.mark.behaviour(44)
@pytest.mark.parametrize(
    ("state", "nonce"),
    [("s" * 384, "n" * 64), ("s" * 4096, "n" * 384), ('a b&c=d"\\%20+é', "x+y z"), (None, "n")],
)
async def test_state_and_nonce_come_back_as_they_were(
    here: Site, state: str | None, nonce: str
) -> None:
    client = await known(here, FAPI)
    browser = here.browser()
    answer = await push(here, client, state=state, nonce=nonce)
    page = await through(here, browser, await browser.get(opening(answer, client)))
    assert page.answer.get("state") == state
    assert (await here.authorization(page)).nonce == nonce


@pytest.mark.behaviour(44)
async def test_a_state_that_cannot_travel_is_refused(here: Site) -> None:
    answer = await push(here, await known(here, FAPI), state="s" * 4097)
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.behaviour(38)
async def test_the_code_of_a_pushed_request_is_of_its_client(here: Site) -> None:
    browser = here.browser()
    page = await through(here, browser, await browser.get(opening(await push(here))))
    assert len(page.answer["code"]) >= 43, "256 bits"
    other = await here.tokens(page, SHOP)
    assert other["error"] == "invalid_grant"
    tokens = await here.tokens(page)
    assert tokens["access_token"]
    assert (await here.tokens(page))["error"] == "invalid_grant"


@pytest.mark.behaviour(37)
@pytest.mark.parametrize(
    ("audience", "status"),
    [
        (ORIGIN, 201),
        ([ORIGIN], 401),
        (f"{ORIGIN}/par", 401),
        (f"{ORIGIN}/token", 401),
        ("https://other.example", 401),
        (None, 401),
    ],
)
async def test_an_assertion_is_for_the_issuer_alone(
    here: Site, audience: str | list[str] | None, status: int
) -> None:
    client = await known(here, FAPI)
    form = {**REQUEST, **credentials(here, client, aud=audience)}
    answer = await here.browser().client.post("/par", data=form)
    assert answer.status_code == status


@pytest.mark.behaviour(37)
async def test_an_assertion_pushes_once(here: Site) -> None:
    client = await known(here, FAPI)
    form = {**REQUEST, **credentials(here, client)}
    http = here.browser().client
    answers = await asyncio.gather(*(http.post("/par", data=form) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]
    assert (await http.post("/par", data=form)).json()["error"] == "invalid_client"


@pytest.mark.attack("A43")
async def test_a_copy_of_the_database_tells_nothing_of_what_was_pushed(here: Site) -> None:
    answer = await push(here, login_hint="+447700900123")
    rows = await here.world.database.rows(Statement(select(pushed_request)))
    [row] = [row for row in rows if row["client_id"] == "clinic"]
    stored: bytes = row["digest"] + row["state"]
    assert b"447700900123" not in stored
    secret = answer.json()["request_uri"].removeprefix(par.PREFIX)
    assert secret.encode() not in stored
    page = await here.browser().get(opening(answer))
    assert "+447700900123" in page.html


@pytest.mark.attack("A26")
async def test_a_network_cannot_fill_the_store_in_the_name_of_a_public_client(here: Site) -> None:
    answers = [await push(here) for _ in range(PUSHES + 1)]
    assert [answer.status_code for answer in answers] == [201] * PUSHES + [503]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    client = await known(here, FAPI)
    assert (await push(here, client)).status_code == 201, "who proves itself is not counted"


@pytest.mark.parametrize("lifetime", [4, 600, 0])
def test_the_lifetime_is_within_what_fapi_allows(lifetime: int) -> None:
    with pytest.raises(ValueError, match="pushed_request"):
        Lifetimes(pushed_request=lifetime)


def test_fapi_cannot_do_without_pushing() -> None:
    with pytest.raises(ValueError, match="pushed_requests"):
        Issuer(address="https://id.example", features=Features(pushed_requests=False))
