"""Authlib as an independent client: each way to prove itself, from login to logout."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from config.wiring.demo.browser import Browser
from tests.interop.outsider import Answer, Client, Outsider

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

METHODS = ("private_key_jwt", "client_secret_jwt", "client_secret_basic", "client_secret_post")
METHODS += ("none",)
SCOPE = "openid profile email offline_access"
VERIFIER = "a-verifier-that-authlib-turns-into-a-challenge-by-itself"


@asynccontextmanager
async def client_of(outside: Outsider, registered: Client) -> AsyncIterator[AsyncOAuth2Client]:
    """What an engineer writes who reads Authlib's documentation."""
    method = registered["token_endpoint_auth_method"]
    secret: Any = registered.get("client_secret")
    if method == "private_key_jwt":
        secret = ECKey.import_key(registered["jwks"]["keys"][0])
    elif method == "client_secret_jwt":
        secret = OctKey.import_key(secret)
    client = AsyncOAuth2Client(
        client_id=registered["client_id"],
        client_secret=secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=SCOPE,
        redirect_uri=registered["redirect_uris"][0],
        code_challenge_method="S256",
        token_endpoint=outside.metadata["token_endpoint"],
    )
    if method == "private_key_jwt":
        client.register_client_auth_method(PrivateKeyJWT(outside.issuer, alg="ES256"))
    elif method == "client_secret_jwt":
        client.register_client_auth_method(ClientSecretJWT(outside.issuer, alg="HS256"))
    async with client:
        yield client


def test_the_metadata_is_what_authlib_calls_valid(
    outside: Outsider,
) -> None:
    told = dict(outside.metadata)
    https = json.loads(json.dumps(told).replace("http://127.0.0.1", "https://127.0.0.1"))
    OpenIDProviderMetadata(https).validate()


@pytest.mark.behaviour(23)
@pytest.mark.parametrize("method", METHODS)
async def test_authlib_logs_in_refreshes_and_logs_out(outside: Outsider, method: str) -> None:
    registered = outside.client(method)
    person = await outside.person(21)
    async with client_of(outside, registered) as client:
        url, state = client.create_authorization_url(
            outside.metadata["authorization_endpoint"],
            code_verifier=VERIFIER,
            nonce="n-authlib",
            prompt="consent",
            acr_values="mosip:idp:acr:static-code",
        )
        browser = person.browser(registered)
        landed = person._landed(registered, browser, await browser.open(url))
        answer = await person.walk(registered, landed)
        back = f"{registered['redirect_uris'][0]}?{urlencode(answer.fields)}"
        token = await client.fetch_token(
            authorization_response=back, state=state, code_verifier=VERIFIER
        )
        first = await verified(outside, registered, token, nonce="n-authlib")
        told = UserInfo((await client.get(outside.metadata["userinfo_endpoint"])).json())
        assert told.sub == first["sub"] and told.name == person.resident["name"]
        assert told.email_verified is True
        again = await client.refresh_token(refresh_token=token["refresh_token"])
        second = await verified(outside, registered, again, nonce=None)
        assert second["sub"] == first["sub"] and second["sid"] == first["sid"]
        await goes_away(outside, client, again)
        await logs_out(outside, registered, person.http, again["id_token"])
        silent = await person.authorize(
            registered, prompt="none", code_challenge="c" * 43, code_challenge_method="S256"
        )
        assert isinstance(silent, Answer) and silent.error == "login_required"


async def verified(
    outside: Outsider, registered: Client, token: dict[str, Any], nonce: str | None
) -> dict[str, Any]:
    """Read the ID token as Authlib's own flow does."""
    jwks = (await outside.http.get(outside.metadata["jwks_uri"])).json()
    read = jwt.decode(token["id_token"], KeySet.import_key_set(jwks), algorithms=["ES256"])
    options = {"iss": {"values": [outside.issuer]}, "aud": {"value": registered["client_id"]}}
    params = {"nonce": nonce, "client_id": registered["client_id"]}
    params["access_token"] = token["access_token"]
    claims = CodeIDToken(read.claims, read.header, options, params)
    claims.validate(leeway=10)
    assert json.loads(urlsafe_b64decode(token["id_token"].split(".")[1] + "==")) == dict(claims)
    return dict(claims)


async def goes_away(outside: Outsider, client: AsyncOAuth2Client, token: dict[str, Any]) -> None:
    """Revoke the refresh token: with it, everything of its grant is dead."""
    url = outside.metadata["revocation_endpoint"]
    revoked = await client.revoke_token(
        url,
        token=token["refresh_token"],
        token_type_hint="refresh_token",
    )
    assert revoked.status_code == 200
    with pytest.raises(OAuthError) as refusal:
        await client.refresh_token(refresh_token=token["refresh_token"])
    assert refusal.value.error == "invalid_grant"
    bearer = {"authorization": f"Bearer {token['access_token']}"}
    dead = await outside.http.get(outside.metadata["userinfo_endpoint"], headers=bearer)
    assert dead.status_code == 401


async def logs_out(outside: Outsider, registered: Client, http: Any, id_token: str) -> None:
    target = registered["post_logout_redirect_uris"][0]
    asked = {"id_token_hint": id_token, "post_logout_redirect_uri": target, "state": "bye"}
    browser = Browser(http, stop_at=(target,))
    await browser.open(f"{outside.metadata['end_session_endpoint']}?{urlencode(asked)}")
    assert browser.stopped_at == f"{target}?state=bye"


async def test_authlib_is_told_what_was_wrong(outside: Outsider) -> None:
    registered = dict(outside.client()) | {"client_secret": "wrong"}
    async with client_of(outside, registered) as client:
        with pytest.raises(OAuthError) as refusal:
            await client.fetch_token(code="x", grant_type="authorization_code")
        assert refusal.value.error == "invalid_client"
