"""A login from the client's request to the code, as a browser without JavaScript walks it."""

import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from config.runtime.database.unit import Statement
from idp.factors.totp import code as totp_code
from idp.stores.history import WRONG_ANSWER
from idp.stores.login_tables import history
from tests.factor_world import SEED
from tests.journeys.login_world import CALLBACK, ORIGIN, Site

AMINA = "4821009637"
CHARITY_WHO_LOCKED_ALL = "6041228593"
NOBODYS = "1111111111"


async def test_a_resident_logs_in_and_the_client_gets_a_code(here: Site) -> None:
    browser = here.browser()
    first = await browser.get(here.address())
    assert first.status == 200 and first.has("individual_id")
    factor = await browser.press(first, "/identify", individual_id=AMINA)
    assert factor.has("otp")
    consent = await browser.press(factor, "/prove", otp=await here.code())
    assert "Clinic" in consent.text and "Full name" in consent.text
    back = await browser.press(consent, "/consent", ("decision", "accept"))
    assert back.url.startswith(f"{CALLBACK}?code=")
    assert back.answer["state"] == "s-1" and back.answer["iss"] == ORIGIN
    tokens = await here.tokens(back)
    assert tokens["token_type"] == "Bearer" and "id_token" in tokens


@pytest.mark.behaviour(1)
async def test_a_request_may_come_as_a_form(here: Site) -> None:
    browser = here.browser()
    query = urlsplit(here.address()).query
    form = [(name, value) for name, [value] in parse_qs(query).items()]
    cross_site = {"sec_fetch_site": "cross-site", "origin": "https://clinic.example"}
    page = await browser.request("POST", "/authorize", form, **cross_site)
    assert page.status == 200 and page.has("individual_id")
    page = await browser.press(page, "/identify", individual_id=AMINA)
    page = await browser.press(page, "/prove", otp=await here.code())
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert page.answer["state"] == "s-1" and page.answer["code"]


async def test_a_request_that_came_as_a_form_belongs_to_the_first_browser_that_opens_it(
    here: Site,
) -> None:
    mine, other = here.browser(), here.browser()
    query = parse_qs(urlsplit(here.address()).query)
    answer = await mine.client.post("/authorize", data={k: v[0] for k, v in query.items()})
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert (await mine.get(address)).has("individual_id")
    assert (await mine.get(address)).has("individual_id"), "opened twice by the same browser"
    stranger = await other.get(address)
    assert stranger.status == 404 and not stranger.has("individual_id")


@pytest.mark.behaviour(2)
async def test_unknown_parameters_and_order_do_not_matter(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address(extra="foobar", scope="email openid profile"))
    assert page.has("individual_id")


@pytest.mark.behaviour(3)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://clinic.example/r"}, "request_uri_not_supported"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_told_to_the_client(
    here: Site, changes: dict[str, str | None], error: str
) -> None:
    page = await here.browser().get(here.address(**changes))
    mode = "#" if changes.get("response_type") == "token" else "?"  # where its answer would go
    assert page.url.startswith(f"{CALLBACK}{mode}")
    assert page.answer["error"] == error
    assert page.answer["state"] == "s-1" and page.answer["iss"] == ORIGIN
    assert set(page.answer) <= {"error", "error_description", "error_uri", "state", "iss"}


@pytest.mark.behaviour(4)
@pytest.mark.attack("A9")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": None},
        {"redirect_uri": f"{CALLBACK}?x=1"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": "https://clinic.example/CB"},
        {"redirect_uri": "https://clinic.example/other?x=2"},
        {"redirect_uri": "https://clinic.example/other"},
        {"redirect_uri": "https://clinic.example@evil.example/cb"},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "https://clinic.example\\@evil.example/cb"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "//evil.example/cb"},
        {"redirect_uri": f"{CALLBACK}#x"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_proven(
    here: Site, changes: dict[str, str | None]
) -> None:
    page = await here.browser().get(here.address(**changes))
    assert page.status == 400 and page.url.startswith(ORIGIN)
    assert "location" not in page.response.headers
    assert "evil.example" not in page.html
    assert page.reader.links, "no page is a dead end"


@pytest.mark.behaviour(4)
async def test_a_registered_address_with_a_query_keeps_it(here: Site) -> None:
    page = await here.browser().get(
        here.address(redirect_uri="https://clinic.example/other?x=1", prompt="none")
    )
    assert page.url.startswith("https://clinic.example/other?x=1&error=login_required")


async def test_a_parameter_that_comes_twice_is_refused(here: Site) -> None:
    page = await here.browser().get(here.address() + "&state=other")
    assert page.status == 400 and page.url.startswith(ORIGIN)


@pytest.mark.behaviour(9)
@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "fridge"])
async def test_wishes_are_never_an_error(here: Site, display: str) -> None:
    page = await here.browser().get(
        here.address(
            display=display,
            ui_locales="se xx-notalanguage fr",
            claims_locales="se",
            login_hint="Gül <b>&\u202e",
            acr_values="urn:nowhere:loa9",
        )
    )
    assert page.status == 200 and page.has("individual_id")
    assert 'lang="fr"' in page.html


@pytest.mark.behaviour(9)
async def test_the_hint_fills_the_field_and_is_kept_nowhere_else(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address(login_hint="+447700900123"))
    assert ("individual_id", "+447700900123") in page.form("/identify").fields
    assert "447700900123" not in page.url
    other = await browser.get(here.address(login_hint=None))
    assert ("individual_id", "") in other.form("/identify").fields


@pytest.mark.behaviour(10)
async def test_a_level_asked_for_is_reached_with_two_factors(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser, acr_values="urn:symbolon:acr:two-factor")
    page = await browser.press(page, "/prove", otp=await here.code())
    while not page.has("pin"):
        page = await browser.press(page, "/factor", ("factor", "pin"))
    page = await browser.press(page, "/prove", pin="271828")
    page = await browser.press(page, "/consent", ("decision", "accept"))
    authorization = await here.authorization(page)
    assert authorization.acr == "urn:symbolon:acr:two-factor"
    assert set(authorization.amr) == {"otp", "pin", "mfa"}


@pytest.mark.behaviour(10)
async def test_an_essential_level_that_nobody_reaches_is_refused_at_once(here: Site) -> None:
    claims = {"id_token": {"acr": {"essential": True, "values": ["urn:nowhere:loa9"]}}}
    page = await here.browser().get(here.address(claims=json.dumps(claims)))
    assert page.answer["error"] == "unmet_authentication_requirements"


async def test_other_ways_than_the_first_can_be_chosen(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    page = await browser.press(page, "/factor", ("factor", "totp"))
    assert page.has("totp")
    now = here.clock.now()
    page = await browser.press(page, "/prove", totp=totp_code(SEED, now // 30))
    assert page.has("claim-name")


@pytest.mark.behaviour(16)
async def test_form_post_works_with_and_without_javascript(here: Site) -> None:
    browser = here.browser()
    page = await here.logged_in(browser, response_mode="form_post")
    assert page.status == 200
    form = page.form("/cb")
    assert form.action == CALLBACK and form.method == "post" and form.buttons
    fields = dict(form.fields)
    assert fields["code"] and fields["state"] == "s-1" and fields["iss"] == ORIGIN
    scripts = [attributes["src"] for tag, attributes in page.reader.tags if tag == "script"]
    assert len(scripts) == 1
    script = await browser.client.get(scripts[0])
    assert script.headers["content-type"].startswith("text/javascript")
    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' https://clinic.example;" in policy


async def test_fragment_is_answered_in_the_fragment(here: Site) -> None:
    page = await here.browser().get(here.address(response_mode="fragment", prompt="none"))
    assert "#error=login_required" in page.url and "?" not in page.url


@pytest.mark.behaviour(45)
@pytest.mark.parametrize("at", ["identify", "prove", "consent"])
async def test_a_person_can_leave_at_every_step(here: Site, at: str) -> None:
    browser = here.browser()
    if at == "identify":
        page = await browser.get(here.address())
    elif at == "prove":
        page = await here.named(browser)
    else:
        page = await here.proven(browser)
    ending = "/consent" if at == "consent" else "/cancel"
    page = await browser.press(page, ending, ("decision", "deny"))
    assert page.url.startswith(CALLBACK)
    assert page.answer["error"] == "access_denied"
    assert page.answer["state"] == "s-1" and page.answer["iss"] == ORIGIN


@pytest.mark.attack("A31")
@pytest.mark.attack("A11")
async def test_every_page_says_how_browsers_must_treat_it(here: Site) -> None:
    browser = here.browser()
    pages = [
        await browser.get(here.address()),
        await here.named(here.browser()),
        await here.proven(here.browser()),
        await browser.get("/login/nowhere"),
        await browser.get("/nowhere", accept="text/html"),
        await browser.get("/me"),
    ]
    for page in pages:
        headers = page.response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" in headers
        assert "<script" not in page.html and "style=" not in page.html
        assert not re.search(r"\son\w+=", page.html)


async def test_forms_may_end_at_the_client_and_nowhere_else(here: Site) -> None:
    page = await here.browser().get(here.address())
    policy = page.response.headers["content-security-policy"]
    assert "form-action 'self' https://clinic.example;" in policy


async def test_nothing_is_answered_after_a_form_but_a_page_or_303(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address())
    fields = [*page.form("/identify").fields, ("individual_id", AMINA)]
    body = urlencode([(n, v) for n, v in fields if (n, v) != ("individual_id", "")])
    response = await browser.client.post(
        page.form("/identify").action,
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert response.status_code == 303


@pytest.mark.attack("A23")
@pytest.mark.parametrize("factor", ["otp", "pin", "totp"])
async def test_unknown_locked_and_wrong_look_the_same(here: Site, factor: str) -> None:
    seen = []
    for person in (AMINA, CHARITY_WHO_LOCKED_ALL, NOBODYS):
        browser = here.browser()
        calls = here.world.database.asked
        page = await here.named(browser, person)
        if factor != "otp":
            page = await browser.press(page, "/factor", ("factor", factor))
        del calls[:]
        doors = len(here.world.door.asked)
        wrong = await browser.press(page, "/prove", **{factor: "000000"})
        login_id = re.search(r"/login/([^/\"]+)/", page.html)
        assert login_id is not None
        csrf = dict(page.form("/prove").fields)["csrf"]
        alike = [
            text.replace(login_id[1], "ID").replace(csrf, "CSRF")
            for text in (page.html, wrong.html)
        ]
        lengths = [len(page.response.headers.get("set-cookie", ""))]
        seen.append((wrong.status, alike, lengths, list(calls), len(here.world.door.asked) - doors))
        assert wrong.status == 422 and wrong.has(factor) and wrong.has("problem")
    assert seen[0] == seen[1] == seen[2]


async def test_nothing_typed_is_said_at_the_field(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address())
    page = await browser.press(page, "/identify", individual_id="   ")
    assert page.status == 422 and page.has("problem") and page.has("individual_id_fault")


async def test_a_login_that_took_too_long_leads_back(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address())
    here.clock.time += 1801
    late = await browser.press(page, "/identify", individual_id=AMINA)
    assert late.status == 410 and "https://clinic.example/" in late.reader.links


async def test_a_finished_login_cannot_be_used_again(here: Site) -> None:
    browser = here.browser()
    consent = await here.proven(browser)
    await browser.press(consent, "/consent", ("decision", "accept"))
    again = await browser.press(consent, "/consent", ("decision", "accept"))
    assert again.status == 409
    (way,) = [link for link in again.reader.links if "/login/" in link and "lang" not in link]
    over = await browser.get(way)
    assert over.status == 410 and "https://clinic.example/" in over.reader.links


async def test_a_form_that_is_loaded_leads_to_its_page(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    again = await browser.get(page.form("/prove").action)
    assert again.status == 200 and again.has("otp")


async def test_another_code_is_sent_only_when_it_is_time(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    first = await here.code()
    page = await browser.press(page, "/factor", ("factor", "otp"))
    assert len(await here.world.letters()) == 1
    here.clock.time += 31
    page = await browser.press(page, "/factor", ("factor", "otp"))
    assert len(await here.world.letters()) == 2
    old = await browser.press(page, "/prove", otp=first)
    assert old.status == 422
    page = await browser.press(old, "/prove", otp=await here.code())
    assert page.has("claim-name")


async def test_somebody_else_can_be_named(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser, NOBODYS)
    page = await browser.press(page, "/account", ("account", "other"))
    page = await browser.press(page, "/identify", individual_id=AMINA)
    page = await browser.press(page, "/prove", otp=await here.code())
    assert page.has("claim-name")


async def test_the_language_can_be_chosen_and_is_remembered(here: Site) -> None:
    browser = here.browser()
    page = await browser.get(here.address(), accept_language="ar, en;q=0.5")
    assert 'dir="rtl"' in page.html and 'lang="ar"' in page.html
    page = await browser.get(page.url + "?lang=sw")
    assert '<html lang="sw"' in page.html
    page = await browser.get(here.address(), accept_language="ar")
    assert '<html lang="sw"' in page.html


async def test_one_network_cannot_begin_logins_without_end(here: Site) -> None:
    crowd, other = here.browser("198.51.100.1"), here.browser("198.51.100.2")
    for _ in range(here.logins_per_address):
        assert (await crowd.client.get(here.address())).status_code == 303
    page = await crowd.get(here.address())
    assert page.status == 429 and page.reader.links
    assert int(page.response.headers["retry-after"]) > 0
    assert (await other.get(here.address())).has("individual_id")


@pytest.mark.attack("A23")
async def test_answers_that_are_not_judged_leave_no_trace(here: Site) -> None:
    browser = here.browser()
    page = await here.named(browser)
    for answer in (*["000000"] * 6, *["no code at all"] * 6):
        page = await browser.press(page, "/prove", otp=answer)
        assert page.status == 422
    row = await here.world.database.row(
        Statement(
            select(func.count()).select_from(history).where(history.c.outcome == WRONG_ANSWER)
        )
    )
    assert row is not None and row[0] == 5, "as many lines as a login takes answers"
