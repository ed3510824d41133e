"""Tokens through the browser: implicit and hybrid (OpenID Connect Core 1.0 §3.2, §3.3)."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from config.runtime.database.connect import OpenDatabase
from config.settings import Features, Issuer
from config.settings.issuers import RESPONSE_TYPES
from idp.protocol.client import Client
from idp.protocol.response_types import IMPLICIT, canonical
from idp.stores.clients import Clients
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CALLBACK, CLINIC, Site, site
from tests.signing import agreed, proven

FRONT = "https://localhost/front"
PAGE = replace(
    CLINIC,
    client_id="page",
    issuer=FRONT,
    response_types=RESPONSE_TYPES,
    grant_types=("authorization_code", "refresh_token", IMPLICIT),
    authorization_details_types=(),
)
TOKENS = [one for one in RESPONSE_TYPES if one != "code"]


@pytest.fixture
async def front(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer that takes every response type, beside one that takes code alone."""
    features = Features(response_types=RESPONSE_TYPES, request_uris=True)
    second = Issuer(address=FRONT, profile="oidc", algorithms=("ES256",), features=features)
    async with site(database, tmp_path, second) as running:
        await database.submit(Clients(database).insert(PAGE))
        yield running


def asking(front: Site, response_type: str, client: Client = PAGE, **asked: str | None) -> str:
    return "/front" + front.address(client, response_type=response_type, **asked)


async def answered(front: Site, browser: Browser, response_type: str, **asked: str | None) -> Page:
    page = await proven(front, browser, await browser.get(asking(front, response_type, **asked)))
    return await agreed(browser, page)


async def claims_of(front: Site, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await front.browser().client.get("/front/jwks")).json())
    return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)


def half(value: str) -> str:
    digest = hashlib.sha256(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


@pytest.mark.behaviour(20)
@pytest.mark.spec("OpenID Connect Core 1.0 §3.3.2.5")
@pytest.mark.parametrize("response_type", TOKENS)
async def test_the_fragment_holds_what_was_asked_for(front: Site, response_type: str) -> None:
    page = await answered(front, front.browser(), response_type)
    assert page.url.startswith(f"{CALLBACK}#")
    told = page.answer
    words = set(response_type.split())
    assert ("code" in told) is ("code" in words)
    assert ("id_token" in told) is ("id_token" in words)
    assert ("access_token" in told) is ("token" in words)
    assert told["state"] == "s-1"
    assert told["iss"] == FRONT
    if "token" in words:
        assert told["token_type"] == "Bearer"
        assert int(told["expires_in"]) > 0
        assert "refresh_token" not in told
    if "id_token" in words:
        claims = await claims_of(front, told["id_token"])
        assert claims["aud"] == "page"
        assert claims["nonce"] == "n-1"
        assert claims.get("c_hash") == (half(told["code"]) if "code" in words else None)
        assert claims.get("at_hash") == (half(told["access_token"]) if "token" in words else None)


@pytest.mark.behaviour(12)
@pytest.mark.spec("OpenID Connect Core 1.0 §5.4")
async def test_claims_of_scopes_are_in_the_id_token_only_where_it_comes_alone(
    front: Site,
) -> None:
    alone = await answered(front, front.browser(), "id_token")
    assert "email" in await claims_of(front, alone.answer["id_token"])
    for response_type in ("id_token token", "code id_token"):
        page = await answered(front, front.browser(), response_type)
        assert "email" not in await claims_of(front, page.answer["id_token"])


@pytest.mark.behaviour(5)
@pytest.mark.parametrize("response_type", [one for one in TOKENS if "id_token" in one])
async def test_an_id_token_through_the_browser_needs_a_nonce(
    front: Site, response_type: str
) -> None:
    page = await front.browser().get(asking(front, response_type, nonce=None))
    assert page.url.startswith(f"{CALLBACK}#")
    assert page.answer["error"] == "invalid_request"
    assert page.answer["error_description"] == "nonce is missing"


@pytest.mark.behaviour(5)
async def test_code_token_needs_none(front: Site) -> None:
    page = await answered(front, front.browser(), "code token", nonce=None)
    assert "code" in page.answer and "access_token" in page.answer


@pytest.mark.behaviour(15)
@pytest.mark.parametrize("response_type", TOKENS)
async def test_refusals_stand_in_the_fragment(front: Site, response_type: str) -> None:
    page = await front.browser().get(asking(front, response_type, prompt="none"))
    assert page.url.startswith(f"{CALLBACK}#")
    assert page.answer["error"] == "login_required"
    assert page.answer["state"] == "s-1"
    page = await front.browser().get(asking(front, response_type, response_mode="query"))
    assert page.url.startswith(f"{CALLBACK}#"), "a token never stands in a query"
    assert page.answer["error"] == "invalid_request"


@pytest.mark.spec("RFC 6749 §3.1.1")
async def test_the_order_of_words_says_nothing(front: Site) -> None:
    page = await answered(front, front.browser(), "token code")
    assert {"code", "access_token"} <= page.answer.keys()
    assert canonical("token id_token code") == "code id_token token"


async def test_a_form_may_carry_it(front: Site) -> None:
    browser = front.browser()
    page = await answered(front, browser, "code id_token", response_mode="form_post")
    names = [name for name, _ in page.reader.forms[0].fields]
    assert names == ["code", "id_token", "state", "iss"]


@pytest.mark.behaviour(49)
async def test_tokens_are_wrapped_as_well(front: Site) -> None:
    page = await answered(front, front.browser(), "code id_token", response_mode="jwt")
    assert page.url.startswith(f"{CALLBACK}#response=")
    claims = await claims_of(front, page.answer["response"])
    assert {"code", "id_token", "state"} <= claims.keys()
    assert claims["iss"] == FRONT
    page = await front.browser().get(asking(front, "id_token", response_mode="query.jwt"))
    assert "response=" in page.url and "#" in page.url


async def test_a_token_through_the_browser_is_revoked_like_any_other(front: Site) -> None:
    browser = front.browser()
    page = await answered(front, browser, "code token")
    token = page.answer["access_token"]
    http = front.browser().client
    bearer = {"authorization": f"Bearer {token}"}
    told = await http.get("/front/userinfo", headers=bearer)
    assert told.status_code == 200
    assert told.json()["email"]
    form = {"token": token, "client_id": "page"}
    assert (await http.post("/front/revoke", data=form)).status_code == 200
    assert (await http.get("/front/userinfo", headers=bearer)).status_code == 401


async def test_the_code_beside_a_token_is_exchanged_as_ever(front: Site) -> None:
    page = await answered(
        front, front.browser(), "code id_token token", scope="openid offline_access"
    )
    form = {
        "grant_type": "authorization_code",
        "code": page.answer["code"],
        "redirect_uri": CALLBACK,
        "client_id": "page",
        "code_verifier": "v" * 43,
    }
    http = front.browser().client
    tokens = (await http.post("/front/token", data=form)).json()
    assert tokens["id_token"]
    assert "offline_access" not in page.answer["scope"]
    first = await claims_of(front, page.answer["id_token"])
    second = await claims_of(front, tokens["id_token"])
    assert (first["iss"], first["sub"]) == (second["iss"], second["sub"])


@pytest.mark.spec("OpenID Connect Core 1.0 §11")
async def test_without_a_code_nobody_is_offline(front: Site) -> None:
    page = await answered(front, front.browser(), "id_token token", scope="openid offline_access")
    assert page.answer["scope"] == "openid"


async def test_without_a_code_there_is_nothing_to_bind_to_a_verifier(front: Site) -> None:
    page = await answered(
        front, front.browser(), "id_token", code_challenge=None, code_challenge_method=None
    )
    assert page.answer["id_token"]
    page = await front.browser().get(
        asking(front, "code token", code_challenge=None, code_challenge_method=None)
    )
    assert page.answer["error"] == "invalid_request"


@pytest.mark.parametrize("response_type", [*TOKENS, "token", "none", "code code", "code none"])
async def test_what_is_off_is_refused(front: Site, response_type: str) -> None:
    page = await front.browser().get(front.address(response_type=response_type))
    assert page.answer["error"] == "unsupported_response_type"


async def test_what_a_client_did_not_register_is_refused(front: Site) -> None:
    coder = replace(PAGE, client_id="coder", response_types=("code",))
    await front.world.database.submit(Clients(front.world.database).insert(coder))
    page = await front.browser().get(asking(front, "id_token", coder))
    assert page.answer["error"] == "unauthorized_client"


async def test_a_bound_token_never_travels_so(front: Site) -> None:
    bound = replace(PAGE, client_id="bound", dpop_bound_access_tokens=True)
    await front.world.database.submit(Clients(front.world.database).insert(bound))
    page = await front.browser().get(asking(front, "code token", bound))
    assert page.answer["error"] == "invalid_request"
    page = await front.browser().get(asking(front, "code token", dpop_jkt="x" * 43))
    assert page.answer["error"] == "invalid_request"


async def test_the_metadata_tell_what_is_on(front: Site) -> None:
    http = front.browser().client
    on = (await http.get("/front/.well-known/openid-configuration")).json()
    off = (await http.get("/.well-known/openid-configuration")).json()
    assert on["response_types_supported"] == list(RESPONSE_TYPES)
    assert IMPLICIT in on["grant_types_supported"]
    assert off["response_types_supported"] == ["code"]
    assert IMPLICIT not in off["grant_types_supported"]
