"""A resource to try tokens on: who may read it, and what it can demand."""

from pathlib import Path

import pytest
from msgspec import structs

from config.runtime.database.connect import OpenDatabase
from config.settings import Features
from tests.keyrings import HandClock
from tests.oauth import ISSUER, Ground, Provider, provider


@pytest.fixture
async def op(database: OpenDatabase, tmp_path: Path) -> Provider:
    issuer = structs.replace(ISSUER, features=Features(sample_resource=True))
    return await provider(
        Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    )


@pytest.mark.behaviour(39)
async def test_it_is_judged_like_every_resource(op: Provider) -> None:
    client = await op.register()
    token = (await op.tokens(client))["access_token"]
    bearer = {"authorization": f"BEARER {token}"}
    for ask in (op.http.get, op.http.post):
        answer = await ask("/resource", headers=bearer)
        assert answer.status_code == 200 and "date" in answer.headers
        assert answer.json()["client_id"] == client.client.client_id
    assert (await op.http.get("/resource")).status_code == 401
    assert (await op.http.get(f"/resource?access_token={token}")).status_code == 401


@pytest.mark.spec("RFC 9470 §3")
async def test_what_it_demands_stands_in_the_challenge(op: Provider) -> None:
    token = (await op.tokens(await op.register()))["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    good = "/resource?acr_values=mosip:idp:acr:generated-code&max_age=60"
    assert (await op.http.get(good, headers=bearer)).status_code == 200
    op.clock.at += 120
    refused = await op.http.get(good, headers=bearer)
    assert refused.status_code == 401
    [challenge] = [
        one for one in refused.headers.get_list("www-authenticate") if one.startswith("Bearer")
    ]
    for told in (
        'error="insufficient_user_authentication"',
        'acr_values="mosip:idp:acr:generated-code"',
        'max_age="60"',
    ):
        assert told in challenge
    strange = await op.http.get("/resource?acr_values=%22%0d%0a", headers=bearer)
    assert strange.status_code == 400


async def test_where_it_is_not_switched_on_it_is_not_there(
    database: OpenDatabase, tmp_path: Path
) -> None:
    ground = Ground(database=database, directory=tmp_path, clock=HandClock())
    assert (await (await provider(ground)).http.get("/resource")).status_code == 404
