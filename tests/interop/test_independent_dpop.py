"""Clients that others wrote prove keys by DPoP, push their requests and are told nonces."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from config.wiring.demo.browser import Browser
from tests.deployment import (
    CALLBACK,
    JWKS,
    KEY,
    PIN,
    Deployment,
    claims_of,
    deployment,
    import_residents,
    migrated,
    register,
)

HERE = Path(__file__).parent
CONFIDENTIAL: dict[str, Any] = {"profile": "fapi2", "dpop_bound_access_tokens": True, "jwks": JWKS}
PUBLIC: dict[str, Any] = {"token_endpoint_auth_method": "none", "jwks": None}
CLIENTS = {"private_key_jwt": CONFIDENTIAL, "none": PUBLIC}

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("dpop")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Deployment]:
    """A deployment whose issuer demands nonces, with one resident and a client of each kind."""
    sections: dict[str, Any] = {"issuers.features": {"dpop_nonce": True}}
    with deployment(**sections) as laid:
        await migrated(laid)
        await laid.keys_up()
        for method, wish in CLIENTS.items():
            await register(laid, method, **wish)
        await import_residents(laid)
        await laid.web_up()
        yield laid


async def log_in(place: Deployment, authorize: str) -> str:
    """Walk a login with a PIN; return where it ended."""
    async with place.http() as http:
        browser = Browser(http, stop_at=(CALLBACK,))
        page = await browser.open(authorize)
        for name, answer in (("individual_id", "7000000000"), ("pin", PIN)):
            form = page.form(name)
            page = await browser.submit(page, form, decision="continue", **{name: answer})
        if browser.stopped_at is None:
            await browser.submit(page, page.form("decision"), decision="accept")
        assert browser.stopped_at is not None
        return browser.stopped_at


async def driven(place: Deployment, script: str, method: str, alg: str) -> dict[str, Any]:
    told = {
        "issuer": place.issuer,
        "alg": alg,
        "registered": {
            "client_id": method,
            "token_endpoint_auth_method": method,
            "redirect_uris": [CALLBACK],
            "jwks": {"keys": [KEY.as_dict(private=True)]},
        },
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / script),
        json.dumps(told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    authorize = (await process.stdout.readline()).decode().strip()
    if authorize:
        process.stdin.write((await log_in(place, authorize)).encode() + b"\n")
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode() + place.log("web")
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.behaviour(39)
@pytest.mark.behaviour(40)
@pytest.mark.behaviour(41)
@pytest.mark.parametrize("method", CLIENTS)
@pytest.mark.parametrize("alg", ["ES256", "PS256"])
@pytest.mark.parametrize("script", ["dpop_oauth4webapi.mjs", "dpop_openid_client.mjs"])
async def test_an_independent_client_proves_its_key(
    place: Deployment, script: str, alg: str, method: str
) -> None:
    told = await driven(place, script, method, alg)
    assert [kind.lower() for kind in told["token_types"]] == ["dpop", "dpop"]
    assert told["name"] == "Ada 7000000000"
    assert claims_of(told["access_token"])["cnf"] == {"jkt": told["jkt"]}
    assert told["bare"] == 401
    assert told["stolen"] == "invalid_grant"
    assert told["rotated"] is (method == "none")
    assert told["refusals"] >= 1
