"""The code exchange over HTTP: what a relying party gets, judged by libraries of others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from config.runtime.database.connect import OpenDatabase
from tests.keyrings import HandClock
from tests.oauth import ISSUER, Ground, Provider, provider


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    made = await provider(Ground(database=database, directory=tmp_path, clock=HandClock()))
    yield made
    await made.http.aclose()


@pytest.mark.behaviour(19)
async def test_tokens_are_what_the_specification_says(op: Provider) -> None:
    registered = await op.register()
    answer = await op.redeem(registered, await op.code(registered.client))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert tokens["scope"] == "openid profile email"
    assert "refresh_token" not in tokens
    keys = KeySet.import_key_set(await op.jwks())
    id_token = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    assert id_token.claims["iss"] == ISSUER.address
    assert id_token.claims["aud"] == registered.client.client_id
    assert id_token.claims["nonce"] == "n-0S6_WzA2Mj"
    assert id_token.claims["sub"] == "a-pairwise-subject"
    assert "name" not in id_token.claims
    userinfo = await op.http.get(
        "/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
    )
    assert userinfo.status_code == 200, userinfo.text
    assert userinfo.json()["name"] == "Amina Odhiambo"
    assert userinfo.json()["sub"] == id_token.claims["sub"]
