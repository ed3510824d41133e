"""Clients that sign and push their requests, and what they send, in tests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
from joserfc import jwt

from config.runtime.entropy import SystemEntropy
from idp.client_auth.method import ASSERTION_TYPE
from idp.protocol.client import Client
from idp.stores.clients import Clients
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CALLBACK, CHALLENGE, CLINIC, ORIGIN, Site
from tests.oauth import JWKS, KEY

PERSON = "4821009637"
REQUEST = {
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid profile email",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
USUAL_HEADER = {"alg": "ES256", "kid": "rp-1", "typ": "oauth-authz-req+jwt"}
FAPI = replace(
    CLINIC,
    client_id="fapi",
    profile="fapi2",
    token_endpoint_auth_method="private_key_jwt",
    jwks=JWKS,
    dpop_bound_access_tokens=True,
    authorization_details_types=(),
)
SIGNER = replace(FAPI, client_id="signer", profile="fapi2-message-signing")
PLAIN = replace(FAPI, client_id="plain", profile="oidc", dpop_bound_access_tokens=False)


async def known(here: Site, client: Client, **changes: Any) -> Client:
    """Register a client as it is, whatever the rules of registration say."""
    made = replace(client, **changes)
    await here.world.database.submit(Clients(here.world.database).insert(made))
    return made


def said(usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return ``usual`` with ``changes``; what is None is left out."""
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def credentials(here: Site, client: Client, **changes: Any) -> dict[str, str]:
    """Return the form fields with which the client proves itself; ``changes`` are claims."""
    if client.token_endpoint_auth_method == "none":
        return {"client_id": client.client_id}
    now = here.clock.now()
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": ORIGIN,
        "jti": SystemEntropy().token(16),
        "iat": now,
        "exp": now + 60,
    }
    assertion = jwt.encode({"alg": "ES256", "kid": "rp-1"}, said(claims, changes), KEY)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def object_of(
    here: Site, client: Client, header: Mapping[str, Any] = USUAL_HEADER, **claims: Any
) -> str:
    """Return a request object of the client; a claim that is None is left out."""
    now = here.clock.now()
    usual = {
        **REQUEST,
        "iss": client.client_id,
        "client_id": client.client_id,
        "aud": ORIGIN,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    }
    return jwt.encode(dict(header), said(usual, claims), KEY)


async def push(here: Site, client: Client = CLINIC, **changes: str | None) -> httpx2.Response:
    """Push a request; a parameter that is None is left out."""
    form = said({**REQUEST, **credentials(here, client)}, changes)
    return await here.browser().client.post("/par", data=form)


async def push_object(here: Site, client: Client, request: str, **more: str) -> httpx2.Response:
    """Push a request object and nothing but what authenticates the client."""
    form = {**credentials(here, client), "request": request, **more}
    return await here.browser().client.post("/par", data=form)


def opening(answer: httpx2.Response, client: Client = CLINIC, **more: str) -> str:
    """Return where the client sends the browser with what was pushed."""
    assert answer.status_code == 201, answer.text
    asked = {"client_id": client.client_id, "request_uri": answer.json()["request_uri"], **more}
    return f"/authorize?{httpx2.QueryParams(asked)}"


async def through(here: Site, browser: Browser, page: Page) -> Page:
    """Go from the first page of a login to the client."""
    page = await proven(here, browser, page)
    return await agreed(browser, page)


async def proven(here: Site, browser: Browser, page: Page) -> Page:
    """Go from the first page of a login to consent."""
    page = await browser.press(page, "/identify", individual_id=PERSON)
    return await browser.press(page, "/prove", otp=await here.code())


async def agreed(browser: Browser, page: Page) -> Page:
    """Agree, where that is asked."""
    if not page.url.startswith(ORIGIN):
        return page
    return await browser.press(page, "/consent", ("decision", "accept"))
