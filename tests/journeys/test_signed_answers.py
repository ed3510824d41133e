"""Signed answers (JARM): everything that goes back to the client is one token."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet

from idp.protocol.client import Client
from keystore.door import KeyServiceUnavailable
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CALLBACK, CLINIC, ORIGIN, Site
from tests.oauth import KEY
from tests.signing import (
    FAPI,
    PLAIN,
    SIGNER,
    known,
    object_of,
    opening,
    proven,
    push,
    push_object,
    through,
)

MODES = {"jwt": "?", "query.jwt": "?", "fragment.jwt": "#"}
OPENER = ECKey.generate_key("P-256", {"kid": "enc-1", "use": "enc"}, private=True)


async def keys_of(here: Site) -> KeySet:
    return KeySet.import_key_set((await here.browser().client.get("/jwks")).json())


async def read(here: Site, page: Page, client: Client = CLINIC) -> dict[str, Any]:
    """What the client reads in an answer, when all of it is as JARM says."""
    assert page.answer.keys() == {"response"}, "nothing stands beside it"
    return await verified(here, page.answer["response"], client)


async def verified(here: Site, response: str, client: Client = CLINIC) -> dict[str, Any]:
    token = jwt.decode(response, await keys_of(here), algorithms=["ES256"])
    assert token.header["kid"]
    claims = dict(token.claims)
    assert claims.pop("iss") == ORIGIN
    assert claims.pop("aud") == client.client_id
    assert 0 < claims.pop("exp") - here.clock.now() <= 600
    return claims


@pytest.mark.behaviour(49)
@pytest.mark.spec("JARM §2.3")
@pytest.mark.parametrize("mode", MODES)
async def test_the_answer_is_one_signed_token(here: Site, mode: str) -> None:
    page = await here.logged_in(here.browser(), response_mode=mode)
    assert page.url.startswith(CALLBACK + MODES[mode])
    claims = await read(here, page)
    assert claims.keys() == {"code", "state"}
    assert claims["state"] == "s-1"
    assert "access_token" in await here.tokens(_with(page, claims))


def _with(page: Page, claims: dict[str, str]) -> Page:
    return Page(f"{CALLBACK}?{httpx2.QueryParams(claims)}", page.response)


@pytest.mark.behaviour(49)
async def test_the_answer_travels_in_a_form(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, response_mode="form_post.jwt")
    page = await browser.press(page, "/consent", ("decision", "accept"))
    form = page.reader.forms[0]
    assert form.action == CALLBACK
    assert [name for name, _ in form.fields] == ["response"]
    assert "code" in await verified(here, form.fields[0][1])


@pytest.mark.behaviour(49)
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_refusals_are_wrapped_as_well(here: Site, asked: dict[str, str], error: str) -> None:
    page = await here.browser().get(here.address(response_mode="jwt", **asked))
    claims = await read(here, page)
    assert claims["error"] == error
    assert claims["state"] == "s-1"
    assert "code" not in claims


@pytest.mark.behaviour(49)
async def test_who_declines_is_told_in_a_token(here: Site) -> None:
    browser = here.browser()
    page = await here.proven(browser, response_mode="jwt")
    page = await browser.press(page, "/consent", ("decision", "deny"))
    assert (await read(here, page))["error"] == "access_denied"


@pytest.mark.behaviour(49)
@pytest.mark.spec("FAPI 2.0 Message Signing §5.4.1")
async def test_a_client_of_message_signing_signs_and_is_answered_so(here: Site) -> None:
    client = await known(here, SIGNER)
    answer = await push_object(here, client, object_of(here, client, response_mode="jwt"))
    browser = here.browser()
    page = await through(here, browser, await browser.get(opening(answer, client)))
    claims = await read(here, page, client)
    assert claims["state"] == "s-1"
    assert claims["code"]


@pytest.mark.behaviour(49)
@pytest.mark.parametrize("mode", [None, "query", "form_post", "fragment"])
async def test_a_client_of_message_signing_gets_no_plain_answer(
    here: Site, mode: str | None
) -> None:
    client = await known(here, SIGNER)
    answer = await push_object(here, client, object_of(here, client, response_mode=mode))
    assert answer.status_code == 400
    assert "response_mode=jwt" in answer.json()["error_description"]


@pytest.mark.behaviour(49)
async def test_refusals_to_a_client_of_message_signing_are_signed_whatever_it_asked(
    here: Site,
) -> None:
    client = await known(here, SIGNER)
    page = await here.browser().get(here.address(client))  # not pushed, not signed, no mode
    assert (await read(here, page, client))["error"] == "invalid_request"


@pytest.mark.spec("JARM §2.2")
async def test_the_answer_is_encrypted_where_that_is_registered(here: Site) -> None:
    jwks = json.dumps({"keys": [KEY.as_dict(private=False), OPENER.as_dict(private=False)]})
    client = await known(
        here,
        PLAIN,
        jwks=jwks.encode(),
        authorization_encrypted_response_alg="ECDH-ES",
        authorization_encrypted_response_enc="A256GCM",
    )
    browser = here.browser()
    page = await browser.get(here.address(client, response_mode="jwt"))
    page = await through(here, browser, page)
    sealed = jwe.decrypt_compact(page.answer["response"], OPENER, algorithms=["ECDH-ES", "A256GCM"])
    assert sealed.headers()["cty"] == "JWT"
    assert sealed.plaintext is not None
    assert (await verified(here, sealed.plaintext.decode(), client))["code"]


@pytest.mark.parametrize("mode", ["smoke.jwt", "jwt.query", "JWT", "query.jwt.jwt"])
async def test_other_modes_are_refused(here: Site, mode: str) -> None:
    page = await here.browser().get(here.address(response_mode=mode))
    assert page.answer["error"] == "invalid_request"


async def test_a_signed_answer_is_no_hint(here: Site) -> None:
    browser = here.browser()
    page = await here.logged_in(browser, response_mode="jwt")
    page = await here.browser().get(here.address(id_token_hint=page.answer["response"]))
    assert page.answer["error"] == "invalid_request"


async def test_while_nothing_can_be_signed_nothing_is_used_up(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await known(here, FAPI)
    browser = here.browser()
    address = opening(await push(here, client, response_mode="jwt"), client)
    page = await proven(here, browser, await browser.get(address))

    async def away(*_: object) -> list[str]:
        raise KeyServiceUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(type(here.world.door), "sign", away)
        failed = await browser.press(page, "/consent", ("decision", "accept"))
        assert failed.status == 503
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert "code" in await read(here, page, client)


async def test_of_two_windows_one_gets_a_signed_code(here: Site) -> None:
    client = await known(here, FAPI)
    address = opening(await push(here, client, response_mode="jwt"), client)
    browsers = [here.browser(), here.browser()]
    pages = [await proven(here, browser, await browser.get(address)) for browser in browsers]

    async def done(browser: Browser, page: Page) -> dict[str, Any]:
        page = await browser.press(page, "/consent", ("decision", "accept"))
        return await read(here, page, client)

    told = await asyncio.gather(*(done(*one) for one in zip(browsers, pages, strict=True)))
    assert sorted(claims.get("error", "") for claims in told) == ["", "invalid_request_uri"]
