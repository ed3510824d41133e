"""Logins that are bound to a DPoP key before there is a code (RFC 9449 §10)."""

import asyncio
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from config.runtime.entropy import SystemEntropy
from idp.protocol.client import Client
from idp.stores.clients import Clients
from tests.dpop import sign
from tests.journeys.browsers import Page
from tests.journeys.login_world import CALLBACK, ORIGIN, VERIFIER, Site
from tests.signing import FAPI, PLAIN, REQUEST, credentials, known, opening, through

MINE = ECKey.generate_key("P-256", private=True)
THEIRS = ECKey.generate_key("P-256", private=True)
JKT = str(MINE.thumbprint())


def proof(here: Site, path: str, key: ECKey = MINE, **changes: Any) -> str:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {
        "jti": SystemEntropy().token(16),
        "htm": "POST",
        "htu": f"{ORIGIN}{path}",
        "iat": here.clock.now(),
    }
    return sign(header, claims | changes, key)


async def push(here: Site, client: Client, proven: str = "", **more: str) -> httpx2.Response:
    form = {**REQUEST, **credentials(here, client), **more}
    headers = {"DPoP": proven} if proven else {}
    return await here.browser().client.post("/par", data=form, headers=headers)


async def redeem(here: Site, client: Client, page: Page, key: ECKey | None) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": page.answer["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **credentials(here, client),
    }
    headers = {} if key is None else {"DPoP": proof(here, "/token", key)}
    return await here.browser().client.post("/token", data=form, headers=headers)


async def came_back(here: Site, client: Client, pushed: httpx2.Response) -> Page:
    browser = here.browser()
    return await through(here, browser, await browser.get(opening(pushed, client)))


@pytest.mark.behaviour(40)
@pytest.mark.parametrize("by", ["proof", "dpop_jkt", "both"])
async def test_a_pushed_request_binds_the_code_to_the_key(here: Site, by: str) -> None:
    client = await known(here, FAPI)
    pushed = await push(
        here,
        client,
        proof(here, "/par") if by != "dpop_jkt" else "",
        **({"dpop_jkt": JKT} if by != "proof" else {}),
    )
    page = await came_back(here, client, pushed)
    stolen = await redeem(here, client, page, THEIRS)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    answer = await redeem(here, client, page, MINE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"


@pytest.mark.behaviour(40)
async def test_a_pushed_request_whose_proof_is_of_another_key_is_refused(here: Site) -> None:
    client = await known(here, FAPI)
    refused = await push(here, client, proof(here, "/par", THEIRS), dpop_jkt=JKT)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.behaviour(42)
@pytest.mark.attack("A18")
async def test_a_proof_pushes_once_and_nothing_else(here: Site) -> None:
    client = await known(here, FAPI)
    one = proof(here, "/par")
    answers = await asyncio.gather(*(push(here, client, one) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 7
    for wrong in (proof(here, "/token"), proof(here, "/par", htm="GET"), "x"):
        refused = await push(here, client, wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.behaviour(39)
async def test_a_pushed_request_needs_no_proof(here: Site) -> None:
    client = await known(here, FAPI)
    page = await came_back(here, client, await push(here, client))
    bare = await redeem(here, client, page, None)
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await redeem(here, client, page, THEIRS)).status_code == 200


@pytest.mark.behaviour(40)
@pytest.mark.spec("RFC 9449 §10")
async def test_a_plain_request_binds_the_code_by_thumbprint(here: Site) -> None:
    client = await known(here, PLAIN)
    browser = here.browser()
    page = await through(here, browser, await browser.get(here.address(client, dpop_jkt=JKT)))
    for wrong in (THEIRS, None):
        refused = await redeem(here, client, page, wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await redeem(here, client, page, MINE)).status_code == 200
    page = await browser.get(here.address(client, dpop_jkt="x"))
    assert page.answer["error"] == "invalid_request"


@pytest.mark.behaviour(39)
@pytest.mark.attack("A49")
async def test_a_client_that_is_held_to_fapi_later_gets_no_bearer_token(here: Site) -> None:
    """It was registered when nothing demanded a key of it."""
    client = await known(here, FAPI, dpop_bound_access_tokens=False)
    assert (await Clients(here.world.database).find(client.client_id)) is not None
    page = await came_back(here, client, await push(here, client))
    bare = await redeem(here, client, page, None)
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await redeem(here, client, page, MINE)).json()["token_type"] == "DPoP"
