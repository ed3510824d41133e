"""idpyoidc as an independent relying party: from discovery to refresh, by its own judgement.

It pushes requests and proves DPoP keys in forms of its own (it expects 200 from a PAR endpoint and
writes ``ath`` in hexadecimal), so it judges plain OpenID Connect here and not FAPI 2.0.
"""

import asyncio
from typing import Any

import pytest
from cryptojwt import KeyJar
from idpyoidc.client.rp_handler import RPHandler

from tests.interop.outsider import Outsider

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

SCOPE = ["openid", "profile", "email", "offline_access"]
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}


def relying_party(outside: Outsider, method: str) -> RPHandler:
    """What an engineer writes who reads idpyoidc's documentation."""
    registered = outside.client(method)
    keys = KeyJar()
    wish: dict[str, Any] = {
        "issuer": outside.issuer,
        "client_type": "oidc",
        "client_id": registered["client_id"],
        "redirect_uris": registered["redirect_uris"],
        "token_endpoint_auth_methods_supported": [method],
        "token_endpoint_auth_method": method,
        "id_token_signed_response_alg": "ES256",
        "response_types_supported": ["code"],
        "scopes_supported": SCOPE,
        "client_authn_methods": [method, "bearer_header"],
        "add_ons": {"pkce": dict(PKCE)},
    }
    if method == "private_key_jwt":
        wish["token_endpoint_auth_signing_alg"] = "ES256"
        wish["token_endpoint_auth_signing_alg_values_supported"] = ["ES256"]
        for owner in ("", registered["client_id"]):
            keys.import_jwks(registered["jwks"], owner)
    else:
        wish["client_secret"] = registered["client_secret"]
    return RPHandler(
        "https://rp.example",
        client_configs={"op": wish},
        keyjar=keys,
        httpc_params={"verify": True, "timeout": 20},
    )


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_basic"])
@pytest.mark.behaviour(23)
async def test_idpyoidc_logs_in_and_refreshes(outside: Outsider, method: str) -> None:
    party = relying_party(outside, method)
    wish = {"scope": SCOPE, "prompt": "consent", "acr_values": "mosip:idp:acr:static-code"}
    address = await asyncio.to_thread(party.begin, "op", req_args=wish)
    registered, person = outside.client(method), await outside.person(22)
    browser = person.browser(registered)
    landed = person._landed(registered, browser, await browser.open(address))
    answer = await person.walk(registered, landed)
    done = await asyncio.to_thread(party.finalize, outside.issuer, answer.fields)
    assert "error" not in done, done
    assert done["userinfo"]["name"] == person.resident["name"]
    assert done["id_token"]["sub"] == done["userinfo"]["sub"]
    again = await asyncio.to_thread(party.refresh_access_token, answer.fields["state"])
    assert again["access_token"] != done["token"]


async def test_idpyoidc_is_told_of_a_refusal(outside: Outsider) -> None:
    party = relying_party(outside, "private_key_jwt")
    address = await asyncio.to_thread(party.begin, "op", req_args={"prompt": "none"})
    registered, person = outside.client("private_key_jwt"), await outside.person(23)
    browser = person.browser(registered)
    answer = person._landed(registered, browser, await browser.open(address))
    done = await asyncio.to_thread(party.finalize, outside.issuer, getattr(answer, "fields", {}))
    assert done["error"] == "login_required"
