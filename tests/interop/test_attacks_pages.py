"""Attacks on the pages: forged forms, other browsers, texts with teeth, codes, leaks."""

import asyncio
import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from config.wiring.demo.browser import Browser, Page
from tests.interop import evil
from tests.interop.outsider import OTP, PIN, Answer, Outsider, Person, pkce

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

ELSEWHERE = re.compile(r'(?:href|src|action)="(?!/(?!/)|#|data:,)')
"""An address in a page that is not ours."""

LOCKED, DECEASED, EXPIRED = 15, 14, 13
"""Sample residents who may not log in."""


async def at_page(person: Person, *names: str, **asked: str | None) -> Page:
    """Walk until a page has one of ``names`` (a field, or ``consent``)."""
    client = person.outside.client()
    landed = await person.authorize(client, **asked)
    for _ in range(5):
        assert isinstance(landed, Page), landed
        if any(landed.has(name) for name in names):
            return landed
        if "consent" in names and 'value="accept"' in landed.text:
            return landed
        landed = await person.step(client, landed)
    raise AssertionError(person.seen)


@pytest.mark.attack("A8")
@pytest.mark.attack("A9")
async def test_no_address_but_the_registered_one_is_redirected_to(outside: Outsider) -> None:
    person = await outside.person()
    for method in ("client_secret_basic", "none"):
        client = outside.client(method)
        for address in evil.addresses(client["redirect_uris"][0]):
            for more in ({}, {"response_mode": "form_post"}, {"response_type": "token"}):
                url = f"{outside.issuer}/authorize?" + person.query(
                    client, redirect_uri=address, prompt="none", **more
                )
                answer = await person.http.get(url)
                assert answer.status_code == 400, address
                assert "location" not in answer.headers
                assert not ELSEWHERE.search(answer.text), address
    for asked in (
        {"client_id": "nobody"},
        {"client_id": ""},
        {"redirect_uri": ""},
        {"client_id": outside.client("none")["client_id"], "redirect_uri": None},
    ):
        answer = await person.http.get(
            f"{outside.issuer}/authorize?{person.query(client, **asked)}"
        )
        assert answer.status_code == 400 and "location" not in answer.headers


@pytest.mark.attack("A9")
async def test_what_comes_twice_is_not_redirected(outside: Outsider) -> None:
    person, client = await outside.person(), outside.client()
    query = person.query(client)
    for name, value in (
        ("redirect_uri", "https://evil.example/cb"),
        ("client_id", "evil"),
        ("state", "x"),
        ("response_type", "code"),
        ("scope", "openid"),
    ):
        for both in (f"{query}&{urlencode({name: value})}", f"{urlencode({name: value})}&{query}"):
            answer = await person.http.get(f"{outside.issuer}/authorize?{both}")
            assert "evil" not in answer.headers.get("location", ""), name
            assert (
                answer.status_code == 400 or "error=invalid_request" in answer.headers["location"]
            )


@pytest.mark.attack("A10")
@pytest.mark.behaviour(15)
async def test_no_text_of_a_request_becomes_markup(outside: Outsider) -> None:
    person, client = await outside.person(), outside.client()
    for text in evil.TEXTS:
        if len(text.encode()) > 4000:
            continue
        for name in ("state", "nonce", "login_hint", "ui_locales", "display", "scope", "prompt"):
            if name in ("state", "nonce") and "\x01" in text:
                pass
            landed = await person.authorize(client, response_mode="form_post", **{name: text})
            if isinstance(landed, Answer):
                assert landed.fields.get("state") == (text if name == "state" else "st-ate")
                continue
            assert landed.status == 200, (name, text)
            markup = landed.text
            for tooth in ("<script>", "<img src=x", "<svg/onload", "alert(1)</"):
                assert tooth not in markup
            if name == "login_hint" and len(text) <= 256:
                assert landed.form("individual_id").values["individual_id"] == [text]


@pytest.mark.attack("A10")
async def test_state_comes_back_as_it_was_in_every_mode(outside: Outsider) -> None:
    person, client = await outside.person(), outside.client()
    for text in evil.TEXTS:
        state = text[:1500]
        for mode in ("query", "fragment", "form_post"):
            landed = await person.authorize(client, prompt="none", response_mode=mode, state=state)
            assert isinstance(landed, Answer) and landed.via == mode
            assert landed.fields["state"] == state.replace("\r\n", "\n")


@pytest.mark.attack("A11")
@pytest.mark.attack("A31")
async def test_headers_of_every_page(outside: Outsider) -> None:
    person = await outside.person(7)
    client = outside.client()
    landed = await person.authorize(client, prompt="login consent")
    pages = []
    while isinstance(landed, Page):
        pages.append(landed)
        landed = await person.step(client, landed)
    me = Browser(person.http)
    pages += [
        await me.open(f"{outside.issuer}{path}")
        for path in ("/me", "/me/consents", "/me/sessions", "/me/history", "/me/factors")
    ]
    pages += [
        await me.open(f"{outside.issuer}{path}")
        for path in ("/logout", "/authorize", "/login/x", "/me?%zz")
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy, page.url
        assert "unsafe" not in policy and "*" not in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "no-store" in page.headers["cache-control"]
        assert "access-control-allow-origin" not in page.headers
        assert page.headers["content-type"] == "text/html; charset=utf-8", page.url
        assert landed.fields["code"] not in page.text
        for source in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert source.startswith(("/", "#", "data:,", "http://127.0.0.1:")), source
        assert not re.search(r"\son[a-z]+=|<style|style=", page.text)


@pytest.mark.attack("A11")
async def test_credentials_are_answered_by_see_other(outside: Outsider) -> None:
    """A 307 would send what the person typed on to the client (RFC 9700 §4.12)."""
    person = await outside.person(7)
    page = await at_page(person, "pin")
    form = page.form("pin")
    values = {name: each[0] for name, each in form.values.items()}
    answer = await person.http.post(
        outside.issuer + form.action,
        data=values | {"pin": person.resident["pin"], "decision": "continue"},
        headers={"origin": outside.issuer},
    )
    assert answer.status_code == 303


@pytest.mark.attack("A12")
async def test_no_form_of_another_site_does_anything(outside: Outsider) -> None:
    """With all cookies, as if a browser knew no SameSite; with and without the page's token."""
    person = await outside.person(8)
    page = await at_page(person, "consent", prompt="login consent", scope="openid profile")
    token = page.form("decision").values["csrf"][0]
    base = page.url
    forged = ("", "x", token[:-1], token.swapcase(), "\u00e9")
    for name in ("consent", "cancel", "account", "factor", "prove", "identify"):
        for csrf in forged:
            answer = await person.http.post(
                f"{base}/{name}", data={"csrf": csrf, "decision": "accept"}
            )
            assert answer.status_code == 403, (name, csrf)
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "https://evil.example"},
            {"origin": outside.issuer + ".evil.example"},
            {"origin": outside.issuer.replace("http:", "https:")},
        ):
            answer = await person.http.post(
                f"{base}/{name}", data={"csrf": token, "decision": "accept"}, headers=headers
            )
            assert answer.status_code == 403, (name, headers)
    for path in ("consents", "sessions", "factors", "pin", "totp"):
        answer = await person.http.post(
            f"{outside.issuer}/me/{path}",
            data={"csrf": token, "client_id": "x", "session": "others", "decision": "lock"},
        )
        assert answer.status_code in (303, 403)
    answer = await person.http.post(
        f"{outside.issuer}/logout/confirm", data={"csrf": token, "decision": "continue"}
    )
    assert answer.status_code == 403
    landed = await person.step(outside.client(), page)
    assert isinstance(landed, Answer) and "code" in landed.fields


@pytest.mark.attack("A13")
async def test_a_login_lives_in_the_browser_that_began_it(outside: Outsider) -> None:
    """At every step another browser with the address, even with the form's token, is nobody."""
    victim, thief = await outside.person(9), await outside.person(9)
    await at_page(thief, "individual_id")
    client = outside.client()
    landed = await victim.authorize(client, prompt="login consent")
    while isinstance(landed, Page):
        csrf = landed.form("csrf").values["csrf"][0]
        shown = await thief.http.get(landed.url)
        assert shown.status_code == 404 and csrf not in shown.text
        for name, typed in {
            "identify": {"individual_id": victim.resident["individual_id"]},
            "prove": {"pin": victim.resident["pin"]},
            "consent": {"decision": "accept"},
            "cancel": {"decision": "deny"},
            "account": {"account": "same"},
            "factor": {"factor": "otp"},
        }.items():
            answer = await thief.http.post(f"{landed.url}/{name}", data={"csrf": csrf} | typed)
            assert answer.status_code == 404, name
        landed = await victim.step(client, landed)
    assert "code" in landed.fields


@pytest.mark.attack("A13")
async def test_planted_cookies_are_replaced(outside: Outsider) -> None:
    """The session cookie after a proof is never one that was there before."""
    person = await outside.person(9)
    for name in ("symbolon", "symbolon-session", "symbolon-device"):
        person.http.cookies.set(name, "A" * 43, domain="127.0.0.1", path="/")
    await person.log_in(outside.client())
    first = person.http.cookies["symbolon-session"]
    assert first != "A" * 43
    await person.log_in(outside.client(), prompt="login")
    assert person.http.cookies["symbolon-session"] != first
    stolen = await outside.person(9)
    stolen.http.cookies.set("symbolon-session", first, domain="127.0.0.1", path="/")
    answer = await stolen.authorize(outside.client(), prompt="none")
    assert isinstance(answer, Answer) and answer.error == "login_required"


OTPS: tuple[str, ...] = (
    "",
    " ",
    "0",
    "00000",
    "0000000",
    "null",
    "true",
    "[]",
    "{}",
    "-1",
    "1e5",
    "0x1234",
    "１２３",
    "١٢٣٤٥",
    "000000 OR 1=1",
    "9" * 5000,
    "%",
    "______",
    "\u200b",
)


@pytest.mark.attack("A22")
async def test_nothing_but_the_code_proves(outside: Outsider) -> None:
    """Empty, null, arrays, long, other digits, the codes of other logins (eSignet #2505)."""
    person = await outside.person(10)
    page = await at_page(person, "otp", acr_values=OTP)
    form, base = page.form("otp"), page.url
    csrf = form.values["csrf"][0]

    async def tried(*fields: tuple[str, str]) -> httpx2.Response:
        body = urlencode([("csrf", csrf), ("decision", "continue"), *fields])
        kind = {"content-type": "application/x-www-form-urlencoded", "origin": outside.issuer}
        return await person.http.post(f"{base}/prove", content=body, headers=kind)

    for typed in OTPS:
        assert (await tried(("otp", typed))).status_code == 422, typed
    assert (await tried()).status_code == 422
    for name in ("otp[]", "otp.x", "OTP", "code", "pin"):
        assert (await tried((name, "000000"))).status_code == 422
    other = await outside.person(11)
    foreign = await at_page(other, "otp", acr_values=OTP)
    assert (await tried(("otp", await other.code()))).status_code == 422
    right = await person.code()
    assert (await tried(("otp", "000000"), ("otp", right))).status_code == 422
    done = await tried(("otp", right))
    assert done.status_code == 303
    again = await tried(("otp", right))
    assert again.status_code in (303, 409) and foreign.status == 200


@pytest.mark.attack("A22")
async def test_five_guesses_however_many_come_at_once(outside: Outsider) -> None:
    person = await outside.person(12)
    person.resident = outside.resident(17)
    page = await at_page(person, "otp", acr_values=OTP)
    csrf, base = page.form("otp").values["csrf"][0], page.url
    right = await person.code()
    wrong = [f"{n:06}" for n in range(40) if f"{n:06}" != right]

    async def guess(code: str) -> int:
        answer = await person.http.post(
            f"{base}/prove",
            data={"csrf": csrf, "decision": "continue", "otp": code},
            headers={"origin": outside.issuer},
        )
        return answer.status_code

    statuses = await asyncio.gather(*map(guess, wrong))
    assert set(statuses) == {422}
    assert await guess(right) == 422, "the tries of this login are used up"


@pytest.mark.attack("A23")
async def test_nobody_learns_who_exists(outside: Outsider) -> None:
    """Unknown, locked, deceased, without a phone: each page and status is the same."""
    pages: dict[str, list[tuple[int, str, tuple[str, ...]]]] = {}
    for kind, number in {
        "known": 18,
        "locked": LOCKED,
        "deceased": DECEASED,
        "expired": EXPIRED,
        "without a phone": 5,
        "unknown": None,
        "nonsense": None,
    }.items():
        for acr, name in ((OTP, "otp"), (PIN, "pin")):
            person = await outside.person(number or 0)
            if number is None:
                typed = "1234567890" if kind == "unknown" else "' OR 1=1 --"
                person.resident = {"individual_id": typed, "phone": None, "email": None}
            page = await at_page(person, name, acr_values=acr)
            pages.setdefault(kind, []).append(_seen(page))
            browser = person.browser(outside.client())
            answers = {name: "000001", "decision": "continue"}
            wrong = await browser.submit(page, page.form(name), **answers)
            pages[kind].append(_seen(wrong))
    for kind, seen in pages.items():
        assert seen == pages["known"], kind


def _seen(page: Page) -> tuple[int, str, tuple[str, ...]]:
    """What tells pages apart, without what is random in each."""
    text = re.sub(r"/login/[A-Za-z0-9_-]+", "/login/*", page.text)
    text = re.sub(r'name="csrf" value="[^"]+"', "csrf", text)
    text = re.sub(r"\b(2[0-9]|30) seconds", "30 seconds", text)
    return page.status, unescape(text), tuple(sorted(page.headers))


@pytest.mark.attack("A49")
@pytest.mark.behaviour(10)
async def test_what_is_essential_is_reached_or_refused(outside: Outsider) -> None:
    client, person = outside.client(), await outside.person(18)

    async def ask(**acr: Any) -> Answer:
        claims = json.dumps({"id_token": {"acr": {"essential": True} | acr}})
        return await person.log_in(client, acr_values=None, claims=claims)

    refused = await ask(values=["urn:no-such-level"])
    assert refused.error in ("access_denied", "unmet_authentication_requirements")
    pin = await ask(value=PIN)
    assert (await outside.tokens(client, pin.code)).claims["acr"] == PIN
    two = "urn:symbolon:acr:two-factor"
    both = await ask(values=[two])
    claims = (await outside.tokens(client, both.code)).claims
    assert claims["acr"] == two and set(claims["amr"]) >= {"otp", "pin"}
    silent = await person.authorize(client, prompt="none", max_age="0", acr_values=two)
    assert isinstance(silent, Answer) and silent.error == "login_required"
    for wish in ("-1", "1.5", "1e3", "x", "0x1", "99999999999999999999", " 1"):
        landed = await person.authorize(client, max_age=wish, prompt="none")
        assert isinstance(landed, Answer) and landed.error == "invalid_request", wish


@pytest.mark.attack("A40")
async def test_two_clients_cannot_find_out_that_they_know_the_same_person(
    outside: Outsider,
) -> None:
    """Subjects are pairwise by sector; sid, jti and grants are of one client."""
    rp = outside.demo.ready["relying_party"]
    person = await outside.person(0)
    client = outside.client()
    answer = await person.log_in(client, scope="openid", max_age="9999")
    ours = await outside.tokens(client, answer.code)
    browser = Browser(person.http)
    page = await browser.open(f"{rp}/login")
    for _ in range(4):
        if page.url.startswith(rp):
            break
        page = await browser.submit(page, page.form("decision"), decision="accept")
    account = (await person.http.get(f"{rp}/account.json")).json()
    theirs = account["id_token"]
    second = outside.client("client_secret_post")
    other = await outside.tokens(second, (await person.log_in(second)).code)
    for name in ("sid", "jti"):
        told = [each[name] for each in (ours.claims, theirs, other.claims) if name in each]
        assert len(set(told)) == len(told), name
    access = [await outside.read(each.told["access_token"]) for each in (ours, other)]
    for name in ("jti", "grant_id"):
        assert access[0][name] != access[1][name]
    assert person.resident["individual_id"] not in json.dumps([ours.claims, theirs, access])


@pytest.mark.attack("A29")
@pytest.mark.attack("A30")
async def test_no_header_moves_the_issuer(outside: Outsider) -> None:
    url = f"{outside.issuer}/.well-known/openid-configuration"
    person = await outside.person()
    authorize = f"{outside.issuer}/authorize?{person.query(outside.client())}"
    for name, value in evil.HEADERS:
        headers = {name: value.encode("latin-1")}
        told = await outside.http.get(url, headers=headers)
        assert told.status_code in (200, 206, 304, 400, 415, 501), (name, value)
        if told.status_code == 200:
            assert told.json() == outside.metadata, name
        page = await outside.http.get(authorize, headers=headers)
        assert page.status_code in (303, 400, 415, 501), (name, value)
        assert "evil" not in page.headers.get("location", "")
        assert not ELSEWHERE.search(page.text), name
    for host in ("evil.example", f"evil.example:{httpx2.URL(url).port}", "127.0.0.1", "[::1]", ""):
        told = await outside.http.get(url, headers={"host": host})
        assert told.status_code in (400, 421), host
        assert "evil" not in told.text


@pytest.mark.attack("A30")
async def test_nothing_of_a_person_is_cached(outside: Outsider) -> None:
    client, person = outside.client(), await outside.person(19)
    tokens = await outside.tokens(client, (await person.log_in(client)).code)
    told = await outside.http.get(
        outside.metadata["userinfo_endpoint"], headers=tokens.authorization
    )
    assert "no-store" in told.headers["cache-control"]
    for endpoint in ("token", "introspection", "revocation"):
        answer = await outside.post(endpoint, client, token="x", grant_type="x")
        assert "no-store" in answer.headers["cache-control"], endpoint


@pytest.mark.attack("A41")
async def test_logs_of_all_processes_hold_no_secret(outside: Outsider) -> None:
    """Canaries: a whole login, its mistakes included, then a search through every log."""
    client, person = outside.client("private_key_jwt"), await outside.person(20)
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    page = await at_page(person, "individual_id", login_hint=person.resident["phone"])
    await person.step(client, page)
    landed = await person.authorize(
        client,
        scope="openid profile email phone offline_access",
        prompt="login consent",
        acr_values=OTP,
        state="canary-state-8471",
        nonce="canary-nonce-5512",
        login_hint=person.resident["email"],
        **asked,
    )
    answer = await person.walk(client, landed)
    tokens = await outside.tokens(client, answer.code, "canary-nonce-5512", code_verifier=verifier)
    await outside.userinfo(tokens)
    await outside.redeem(client, answer.code, code_verifier=verifier)
    assertion = outside.assertion(client)
    await outside.http.get(f"{outside.issuer}/me?%zz", headers=tokens.authorization)
    canaries = {
        **{name: value for name, value in person.resident.items() if value},
        "otp": await person.code(),
        "code": answer.code,
        "state": "canary-state-8471",
        "nonce": "canary-nonce-5512",
        "verifier": verifier,
        "assertion": assertion.rpartition(".")[2],
        "cookies": person.http.cookies["symbolon-session"],
        "browser": person.http.cookies["symbolon"],
        "subject": tokens.claims["sub"],
        **{k: v for k, v in tokens.told.items() if k.endswith("_token")},
    }
    directory = outside.demo.directory
    logs = [*(directory / "data" / "logs").glob("*.log"), directory / "demo.log"]
    assert len(logs) >= 5
    for log in logs:
        text = log.read_text()
        for name, canary in canaries.items():
            found = re.search(rf"(?<![0-9A-Za-z]){re.escape(str(canary))}(?![0-9A-Za-z])", text)
            assert not found, f"{name} in {log.name}"
        assert "Traceback" not in text and '"level":"error"' not in text, log.name


@pytest.mark.attack("A10")
async def test_the_inbox_and_the_sample_client_take_nothing_from_strangers(
    outside: Outsider,
) -> None:
    inbox, rp = outside.demo.ready["inbox"], outside.demo.ready["relying_party"]
    message = {
        "id": "x",
        "to": "+447700900101",
        "aliases": [],
        "channel": "sms",
        "text": "<script>alert(1)</script>",
        "code": "1",
        "at": 1,
    }
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Bearer"}):
        answer = await outside.http.post(f"{inbox}/messages", json=message, headers=headers)
        assert answer.status_code == 401
    page = await outside.http.get(f"{inbox}/", params={"to": "<script>alert(1)</script>"})
    assert page.status_code == 200 and "<script" not in page.text
    rebound = await outside.http.get(f"{inbox}/messages", headers={"host": "evil.example"})
    assert rebound.status_code == 421, "no page of another name may read the inbox"
    read = await outside.http.get(f"{inbox}/messages", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in read.headers
    for query in ("", "code=x&state=y", f"code=x&state=y&iss={outside.issuer}", "error=<script>"):
        answer = await outside.http.get(f"{rp}/cb?{query}")
        assert answer.status_code == 400 and "<script" not in answer.text, query
