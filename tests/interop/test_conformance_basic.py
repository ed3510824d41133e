"""The modules of the OpenID conformance suite's plans oidcc-basic and oidcc-formpost-basic.

One test per module, under its name, against the running demonstration: what the suite would call a
failure or a warning fails here. The plan's first client is client_secret_basic, its second one
client_secret_post; neither sends a code challenge, save where the module is about it.
"""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.runtime.database.connect import OpenDatabase
from config.wiring.demo.browser import Page
from tests.interop.outsider import OTP, Answer, Outsider, Person, Tokens, clock_reaches, pkce
from tests.keyrings import HandClock
from tests.oauth import Ground, provider

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

EVERYTHING = 1
"""The sample resident with a value for every standard claim."""

CLAIMS_OF = {
    "profile": [
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
        "updated_at",
    ],
    "email": ["email", "email_verified"],
    "address": ["address"],
    "phone": ["phone_number", "phone_number_verified"],
}
TYPES = {"email_verified": bool, "phone_number_verified": bool, "updated_at": int, "address": dict}


class Plan:
    """One plan: its response mode, and a person with a browser of their own."""

    def __init__(self, outside: Outsider, mode: str) -> None:
        self.outside = outside
        self.mode = mode
        self.client = outside.client()

    def wish(self, asked: dict[str, str | None]) -> dict[str, str | None]:
        return asked if self.mode == "query" else {"response_mode": "form_post", **asked}

    async def login(self, person: Person, **asked: str | None) -> Answer:
        answer = await person.log_in(self.client, **self.wish(asked))
        assert answer.via == self.mode
        assert answer.fields.get("state") == asked.get("state", "st-ate")
        return answer

    async def silently(self, person: Person, **asked: str | None) -> Answer:
        """No page may be shown."""
        landed = await person.authorize(self.client, **self.wish(asked))
        assert isinstance(landed, Answer), landed.text
        assert landed.fields.get("state") == "st-ate"
        return landed

    async def flow(self, person: Person, **asked: str | None) -> Tokens:
        """A login, its tokens and userinfo: what nearly every module begins with."""
        nonce = asked.setdefault("nonce", "n-0S6_WzA2Mj")
        answer = await self.login(person, **asked)
        tokens = await self.outside.tokens(self.client, answer.code, nonce)
        await self.outside.userinfo(tokens)
        return tokens


@pytest.fixture(params=["query", "form_post"])
def plan(request: pytest.FixtureRequest, outside: Outsider) -> Iterator[Plan]:
    yield Plan(outside, request.param)


@pytest.fixture
async def person(outside: Outsider) -> Person:
    return await outside.person()


async def refused_page(landed: Answer | Page) -> Page:
    """The person sees an error page of ours, and is not redirected."""
    assert isinstance(landed, Page)
    assert 400 <= landed.status < 500 and landed.headers["content-type"].startswith("text/html")
    assert "location" not in landed.headers
    return landed


@pytest.mark.behaviour(18)
@pytest.mark.behaviour(19)
async def test_oidcc_server(plan: Plan, person: Person) -> None:
    tokens = await plan.flow(person, acr_values=None)
    assert person.seen[:2] == ["individual_id", "otp"]
    assert tokens.claims["acr"] == OTP and tokens.claims["amr"] == ["otp"]


@pytest.mark.behaviour(3)
async def test_oidcc_response_type_missing(plan: Plan, person: Person) -> None:
    answer = await plan.silently(person, response_type=None)
    assert answer.error in ("invalid_request", "unsupported_response_type")


@pytest.mark.behaviour(19)
async def test_oidcc_idtoken_signature(plan: Plan, person: Person) -> None:
    answer = await plan.login(person)
    told = (await plan.outside.redeem(plan.client, answer.code)).json()
    header = json.loads(base64.urlsafe_b64decode(told["id_token"].split(".")[0] + "=="))
    assert header["alg"] == "ES256" and header["kid"]
    jwks = (await plan.outside.http.get(plan.outside.metadata["jwks_uri"])).json()
    assert [key["kid"] for key in jwks["keys"]].count(header["kid"]) == 1


@pytest.mark.behaviour(20)
async def test_oidcc_idtoken_unsigned(plan: Plan) -> None:
    """The suite skips the module where the metadata does not offer ``none``; it must not."""
    assert "none" not in plan.outside.metadata["id_token_signing_alg_values_supported"]


@pytest.mark.behaviour(21)
async def test_oidcc_userinfo_get(plan: Plan, person: Person) -> None:
    tokens = await plan.flow(person)
    assert set(await plan.outside.userinfo(tokens)) == {"sub"}


@pytest.mark.behaviour(21)
async def test_oidcc_userinfo_post_header(plan: Plan, person: Person) -> None:
    tokens = await plan.flow(person)
    url = plan.outside.metadata["userinfo_endpoint"]
    response = await plan.outside.http.post(url, headers=tokens.authorization)
    assert response.status_code == 200 and response.json()["sub"] == tokens.claims["sub"]


@pytest.mark.behaviour(21)
async def test_oidcc_userinfo_post_body(plan: Plan, person: Person) -> None:
    tokens = await plan.flow(person)
    url = plan.outside.metadata["userinfo_endpoint"]
    body = {"access_token": tokens.told["access_token"]}
    response = await plan.outside.http.post(url, data=body)
    assert response.status_code == 200 and response.json()["sub"] == tokens.claims["sub"]


@pytest.mark.behaviour(5)
async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(
    plan: Plan, person: Person
) -> None:
    tokens = await plan.flow(person, nonce=None)
    assert "nonce" not in tokens.claims


async def told_of(plan: Plan, *scopes: str) -> None:
    """Userinfo tells every claim of the scopes and no other; the ID token tells none of them."""
    person = await plan.outside.person(EVERYTHING)
    tokens = await plan.flow(person, scope=" ".join(["openid", *scopes]))
    told = await plan.outside.userinfo(tokens)
    expected = {name for each in scopes for name in CLAIMS_OF[each]}
    assert set(told) == expected | {"sub"}
    assert expected.isdisjoint(tokens.claims)
    for name in expected:
        assert type(told[name]) is TYPES.get(name, str) and told[name] not in ("", {})
    assert set(tokens.told["scope"].split()) == {"openid", *scopes}


@pytest.mark.behaviour(12)
async def test_oidcc_scope_profile(plan: Plan) -> None:
    await told_of(plan, "profile")


@pytest.mark.behaviour(12)
async def test_oidcc_scope_email(plan: Plan) -> None:
    await told_of(plan, "email")


@pytest.mark.behaviour(12)
async def test_oidcc_scope_address(plan: Plan) -> None:
    await told_of(plan, "address")


@pytest.mark.behaviour(12)
async def test_oidcc_scope_phone(plan: Plan) -> None:
    await told_of(plan, "phone")


@pytest.mark.behaviour(12)
async def test_oidcc_scope_all(plan: Plan) -> None:
    await told_of(plan, *CLAIMS_OF)


@pytest.mark.behaviour(2)
async def test_oidcc_alternate_happy_flow(plan: Plan, person: Person) -> None:
    """Scopes in another order, a registered redirect URI, parameters in another order."""
    await plan.flow(person, scope="phone openid email profile address", display="page")


@pytest.mark.behaviour(9)
async def test_oidcc_display_page(plan: Plan, person: Person) -> None:
    await plan.flow(person, display="page")


@pytest.mark.behaviour(9)
async def test_oidcc_display_popup(plan: Plan, person: Person) -> None:
    for display in ("popup", "touch", "wap", "unheard-of"):
        await plan.flow(person, display=display)


@pytest.mark.behaviour(7)
async def test_oidcc_prompt_login(plan: Plan, person: Person) -> None:
    first = await plan.flow(person, max_age="10000")
    await clock_reaches(first.claims["auth_time"] + 1)
    second = await plan.flow(person, prompt="login", max_age="10000")
    assert "pin" in person.seen
    assert second.claims["auth_time"] > first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


@pytest.mark.behaviour(6)
async def test_oidcc_prompt_none_not_logged_in(plan: Plan, person: Person) -> None:
    answer = await plan.silently(person, prompt="none")
    allowed = "login_required interaction_required account_selection_required consent_required"
    assert answer.error in allowed.split()
    combined = await plan.silently(person, prompt="none login")
    assert combined.error == "invalid_request"


@pytest.mark.behaviour(6)
async def test_oidcc_prompt_none_logged_in(plan: Plan, person: Person) -> None:
    first = await plan.flow(person, max_age="10000")
    answer = await plan.silently(person, prompt="none", max_age="10000")
    second = await plan.outside.tokens(plan.client, answer.code)
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["auth_time"] == first.claims["auth_time"]


@pytest.mark.behaviour(7)
async def test_oidcc_max_age_1(plan: Plan, person: Person) -> None:
    first = await plan.flow(person, max_age="10000")
    await clock_reaches(first.claims["auth_time"] + 1)
    second = await plan.flow(person, max_age="1")
    assert "pin" in person.seen
    assert second.claims["auth_time"] > first.claims["auth_time"]
    zero = await plan.outside.person()
    await plan.flow(zero)
    third = await plan.flow(zero, max_age="0")
    assert "pin" in zero.seen and "auth_time" in third.claims


@pytest.mark.behaviour(7)
async def test_oidcc_max_age_10000(plan: Plan, person: Person) -> None:
    first = await plan.flow(person, max_age="10000")
    second = await plan.flow(person, max_age="10000")
    assert person.seen == []
    assert second.claims["auth_time"] == first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


@pytest.mark.behaviour(2)
async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(
    plan: Plan, person: Person
) -> None:
    await plan.flow(person, extra="foobar", nested='{"a": [1]}')


@pytest.mark.behaviour(8)
async def test_oidcc_id_token_hint(plan: Plan, person: Person) -> None:
    first = await plan.flow(person)
    hint = first.told["id_token"]
    answer = await plan.silently(person, prompt="none", id_token_hint=hint)
    second = await plan.outside.tokens(plan.client, answer.code)
    assert second.claims["sub"] == first.claims["sub"]
    other = await plan.outside.person(EVERYTHING)
    await plan.flow(other)
    refused = await plan.silently(other, prompt="none", id_token_hint=hint)
    assert refused.error == "login_required"


@pytest.mark.behaviour(9)
async def test_oidcc_login_hint(plan: Plan, person: Person) -> None:
    for hint in ("bob@example.com", "8747870537", "ü" * 300, "<b>\"'&", "a b\tc"):
        landed = await person.authorize(plan.client, login_hint=hint)
        assert isinstance(landed, Page) and landed.status == 200 and landed.has("individual_id")
        if len(hint) < 256:
            assert landed.form("individual_id").values["individual_id"] == [hint]
    await plan.flow(person, login_hint="bob@example.com")


@pytest.mark.behaviour(9)
async def test_oidcc_ui_locales(plan: Plan, person: Person) -> None:
    landed = await person.authorize(plan.client, ui_locales="fr xx-invalid-zz en")
    assert isinstance(landed, Page) and '<html lang="fr"' in landed.text
    await plan.flow(person, ui_locales="se")


@pytest.mark.behaviour(9)
async def test_oidcc_claims_locales(plan: Plan, person: Person) -> None:
    await plan.flow(person, claims_locales="se")
    tokens = await plan.flow(
        await plan.outside.person(EVERYTHING), claims_locales="fr", scope="openid profile"
    )
    told = await plan.outside.userinfo(tokens)
    assert told["name#fr"].startswith("Dr") or told["name"].startswith("Dr ")


@pytest.mark.behaviour(10)
async def test_oidcc_ensure_request_with_acr_values_succeeds(plan: Plan, person: Person) -> None:
    for values in ("mosip:idp:acr:static-code", "urn:mace:incommon:iap:silver 1 2"):
        tokens = await plan.flow(await plan.outside.person(), acr_values=values)
        assert tokens.claims["acr"]
    assert tokens.claims["acr"] in plan.outside.metadata["acr_values_supported"]
    one = plan.outside.metadata["acr_values_supported"][1]
    asked = await plan.flow(person, acr_values=f"1 {one}")
    assert asked.claims["acr"] == one  # the suite warns unless one of those asked for is told


@pytest.mark.behaviour(17)
async def test_oidcc_codereuse(plan: Plan, person: Person) -> None:
    answer = await plan.login(person)
    tokens = await plan.outside.tokens(plan.client, answer.code)
    await plan.outside.userinfo(tokens)
    again = await plan.outside.redeem(plan.client, answer.code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"
    url = plan.outside.metadata["userinfo_endpoint"]
    dead = await plan.outside.http.get(url, headers=tokens.authorization)
    assert dead.status_code == 401
    assert 'error="invalid_token"' in dead.headers["www-authenticate"]


@pytest.mark.behaviour(17)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_oidcc_codereuse_30seconds(database: OpenDatabase, tmp_path: Path) -> None:
    """The same half a minute later, by a clock that is moved by hand."""
    op = await provider(Ground(database=database, directory=tmp_path, clock=HandClock()))
    client = await op.register()
    code = await op.code(client.client)
    token = (await op.redeem(client, code)).json()["access_token"]
    op.clock.at += 30
    again = await op.redeem(client, code)
    assert again.status_code == 400 and again.json()["error"] == "invalid_grant"
    told = await op.http.get("/userinfo", headers={"authorization": f"Bearer {token}"})
    assert told.status_code == 401


@pytest.mark.behaviour(4)
async def test_oidcc_ensure_registered_redirect_uri(plan: Plan, person: Person) -> None:
    registered = plan.client["redirect_uris"][0]
    for uri in (
        "https://evil.example/cb",
        f"{registered}/foo",
        f"{registered}?foo=bar",
        registered.replace("/cb", "/CB"),
        registered.replace("8765", "8766"),
        f"{registered}/",
        f"{registered}#",
        registered.replace("http://127.0.0.1", "http://localhost"),
    ):
        await refused_page(await person.authorize(plan.client, **plan.wish({"redirect_uri": uri})))


@pytest.mark.behaviour(1)
async def test_oidcc_ensure_post_request_succeeds(plan: Plan, person: Person) -> None:
    landed = await person.post(plan.client, **plan.wish({"nonce": "n"}))
    answer = await person.walk(plan.client, landed)
    assert answer.via == plan.mode and answer.fields["state"] == "st-ate"
    await plan.outside.tokens(plan.client, answer.code, "n")
    # the person is signed in now: a second POST must find the session (SameSite=Lax)
    again = await person.post(plan.client, **plan.wish({"prompt": "none"}))
    assert isinstance(again, Answer) and "code" in again.fields


@pytest.mark.behaviour(23)
async def test_oidcc_server_client_secret_post(plan: Plan, person: Person) -> None:
    plan.client = plan.outside.client("client_secret_post")
    await plan.flow(person)


def unsigned(claims: dict[str, Any]) -> str:
    """A request object with alg none (OpenID Connect Core 1.0 §6.1)."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + "."


@pytest.mark.behaviour(13)
async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    plan: Plan, person: Person
) -> None:
    answer = await plan.silently(person, request_uri="https://rp.example/request.jwt#hash")
    assert answer.error == "request_uri_not_supported"
    assert plan.outside.metadata["request_uri_parameter_supported"] is False


@pytest.mark.behaviour(13)
async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    plan: Plan, person: Person
) -> None:
    claims = {"client_id": plan.client["client_id"], "response_type": "code", "state": "inner"}
    answer = await plan.silently(person, request=unsigned(claims))
    assert answer.error == "request_not_supported"
    assert plan.outside.metadata["request_parameter_supported"] is True
    assert "none" not in plan.outside.metadata["request_object_signing_alg_values_supported"]


@pytest.mark.behaviour(13)
async def test_oidcc_ensure_request_object_with_redirect_uri(plan: Plan, person: Person) -> None:
    evil = unsigned({"redirect_uri": "https://evil.example/cb"})
    answer = await plan.silently(person, request=evil)
    assert answer.error == "request_not_supported"
    await refused_page(
        await person.authorize(
            plan.client, **plan.wish({"request": evil, "redirect_uri": "https://evil.example/cb"})
        )
    )


@pytest.mark.behaviour(11)
async def test_oidcc_claims_essential(plan: Plan, person: Person) -> None:
    claims = {"userinfo": {"name": {"essential": True}, "no_such_claim": None}}
    tokens = await plan.flow(person, claims=json.dumps(claims))
    told = await plan.outside.userinfo(tokens)
    assert told["name"] == person.resident["name"] and set(told) <= {"sub", "name"}
    assert "name" not in tokens.claims


@pytest.mark.behaviour(22)
async def test_oidcc_refresh_token(plan: Plan, person: Person) -> None:
    first = await plan.flow(person, scope="openid offline_access", prompt="consent", max_age="9999")
    spent = first.told["refresh_token"]
    foreign = await plan.outside.post(
        "token",
        plan.outside.client("client_secret_post"),
        grant_type="refresh_token",
        refresh_token=spent,
    )
    assert foreign.status_code == 400 and foreign.json()["error"] == "invalid_grant"
    wider = await plan.outside.post(
        "token",
        plan.client,
        grant_type="refresh_token",
        refresh_token=spent,
        scope="openid offline_access email",
    )
    assert wider.status_code == 400 and wider.json()["error"] == "invalid_scope"
    answer = await plan.outside.post(
        "token", plan.client, grant_type="refresh_token", refresh_token=spent
    )
    second = await plan.outside.judged(plan.client, answer)
    for name in ("iss", "sub", "aud", "auth_time"):
        assert second.claims[name] == first.claims[name]
    assert second.claims["iat"] >= first.claims["iat"]
    assert second.told["access_token"] != first.told["access_token"]
    await plan.outside.userinfo(second)


@pytest.mark.behaviour(14)
async def test_oidcc_ensure_request_with_valid_pkce_succeeds(plan: Plan, person: Person) -> None:
    verifier, challenge = pkce()
    answer = await plan.login(person, code_challenge=challenge, code_challenge_method="S256")
    refused = await plan.outside.redeem(plan.client, answer.code)
    assert refused.status_code == 400 and refused.json()["error"] == "invalid_grant"
    await plan.outside.tokens(plan.client, answer.code, code_verifier=verifier)


@pytest.mark.behaviour(45)
async def test_a_person_who_says_no(plan: Plan, person: Person) -> None:
    """Not a module: the suite's browser can press ``deny`` on each page."""
    for page in ("identify", "consent"):
        landed = await person.authorize(plan.client, **plan.wish({"prompt": "login consent"}))
        if page == "consent":
            while isinstance(landed, Page) and not landed.text.count('value="accept"'):
                landed = await person.step(plan.client, landed)
        assert isinstance(landed, Page)
        browser = person.browser(plan.client)
        form = next(f for f in landed.forms if ("decision", "deny") in f.buttons)
        refused = person._landed(
            plan.client, browser, await browser.submit(landed, form, decision="deny")
        )
        assert isinstance(refused, Answer)
        assert refused.error == "access_denied" and refused.fields["state"] == "st-ate"


async def test_answers_come_in_time(plan: Plan, person: Person) -> None:
    """The suite gives a provider 30 s; a resident deserves better."""
    begun = time.monotonic()
    await plan.flow(person)
    assert time.monotonic() - begun < 15
