"""Clients of backchannel authentication, and what they ask, in tests."""

from dataclasses import replace
from typing import Any

import httpx2
from joserfc import jwt

from idp.protocol import ciba
from idp.protocol.client import Client
from idp.protocol.grant import digest_of
from idp.stores.clients import Clients
from tests.journeys.login_world import CLINIC, ORIGIN, Site
from tests.oauth import JWKS, KEY

SECRET = "a secret of the bank that nobody guesses"
PERSON = "4821009637"
BANK = replace(
    CLINIC,
    client_id="bank",
    names={"": "Bank", "fr": "La banque"},
    purposes={"": "To move your money"},
    redirect_uris=(),
    post_logout_redirect_uris=(),
    response_types=(),
    token_endpoint_auth_method="client_secret_post",
    secret_digest=digest_of(SECRET),
    grant_types=(ciba.GRANT_TYPE, "refresh_token"),
    backchannel_token_delivery_mode=ciba.POLL,
    jwks=JWKS,
    sector="bank.example",
)


async def known(here: Site, client: Client = BANK, **changes: Any) -> Client:
    """Register a client as it is, whatever the rules of registration say."""
    made = replace(client, **changes)
    await here.world.database.submit(Clients(here.world.database).insert(made))
    return made


async def ask(here: Site, client: Client = BANK, **asked: str | None) -> httpx2.Response:
    """Send a backchannel request; a parameter that is None is left out."""
    usual: dict[str, str | None] = {"scope": "openid profile", "login_hint": PERSON}
    fields = {k: v for k, v in {**usual, **asked}.items() if v is not None}
    return await post(here, "/bc-authorize", client, **fields)


async def poll(here: Site, auth_req_id: str, client: Client = BANK) -> httpx2.Response:
    """Ask for the tokens."""
    return await post(here, "/token", client, grant_type=ciba.GRANT_TYPE, auth_req_id=auth_req_id)


async def post(here: Site, path: str, client: Client, **form: str) -> httpx2.Response:
    """Post a form with the client's secret."""
    body = {"client_id": client.client_id, "client_secret": SECRET, **form}
    return await here.browser().client.post(path, data=body)


def signed(now: int, client: Client = BANK, **claims: Any) -> str:
    """Return a request object of the client; a claim that is None is left out."""
    usual = {
        "iss": client.client_id,
        "aud": ORIGIN,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": f"request-{now}",
        "scope": "openid profile",
        "login_hint": PERSON,
    }
    body = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "rp-1"}, body, KEY)


def refusal(answer: httpx2.Response) -> str:
    """Return the error code of an answer."""
    assert answer.status_code in (400, 401, 403), answer.text
    return str(answer.json()["error"])
