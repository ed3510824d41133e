"""Clients that others wrote sign what they ask (JAR), push it (PAR) and read signed answers."""

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
    deployment,
    import_residents,
    migrated,
    register,
)

HERE = Path(__file__).parent
CLIENT = "private_key_jwt"

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("signing")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Deployment]:
    """A deployment with one resident and one client of FAPI 2.0 Message Signing."""
    with deployment() as laid:
        await migrated(laid)
        await laid.keys_up()
        await register(
            laid,
            CLIENT,
            profile="fapi2-message-signing",
            dpop_bound_access_tokens=True,
            jwks=JWKS,
        )
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


@pytest.mark.behaviour(47)
@pytest.mark.behaviour(49)
@pytest.mark.parametrize(
    ("script", "mode"),
    [
        ("signing_oauth4webapi.mjs", "jwt"),
        ("signing_oauth4webapi.mjs", "query.jwt"),
        ("signing_oauth4webapi.mjs", "fragment.jwt"),
        ("signing_openid_client.mjs", "jwt"),
    ],
)
async def test_an_independent_client_signs_and_reads_what_is_signed(
    place: Deployment, script: str, mode: str
) -> None:
    registered = {
        "client_id": CLIENT,
        "redirect_uris": [CALLBACK],
        "jwks": {"keys": [KEY.as_dict(private=True)]},
    }
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / script),
        json.dumps({"issuer": place.issuer, "registered": registered, "mode": mode}),
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
    told: dict[str, Any] = json.loads(out)
    assert told["userinfo"]["name"] == "Ada 7000000000"
    assert told["unsigned"] == "invalid_request"
    assert told["returned"] == ["response"]
