"""Devices that others wrote are let in by a person without JavaScript, and judge what they get."""

import json
import subprocess
import sys
from typing import Any

import httpx2
import pytest

from config.wiring.demo.browser import Browser
from tests.demonstration import ROOT, Demonstration, code_for, inbox
from tests.interop.scripted import driven

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]


def registered(demo: Demonstration, *options: str) -> dict[str, Any]:
    """Register a client on the command line, as an operator does."""
    settings = demo.directory / "data" / "symbolon.toml"
    command = (sys.executable, "-m", "config.cli.main", "--settings", str(settings), "rp", "add")
    made = subprocess.run(
        [*command, "Television", "--grant-type", "device_code", *options, "--json"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found


async def let_in(demo: Demonstration, codes: dict[str, Any]) -> str:
    """Go from the scanned code to the end page, and return it."""
    async with httpx2.AsyncClient(timeout=60) as http:
        browser = Browser(http)
        page = await browser.open(codes["verification_uri_complete"])
        assert codes["user_code"] in page.text
        page = await browser.submit(page, page.form("csrf"), decision="confirm")
        known = len(await inbox(demo, http, demo.resident))
        typed = {"individual_id": demo.resident["individual_id"], "decision": "continue"}
        page = await browser.submit(page, page.form("individual_id"), **typed)
        otp = await code_for(demo, http, demo.resident, known)
        page = await browser.submit(page, page.form("otp"), otp=otp, decision="continue")
        page = await browser.submit(page, page.form("decision"), decision="accept")
        return page.url


@pytest.mark.parametrize("bound", [False, True], ids=["public", "dpop"])
@pytest.mark.parametrize("script", ["openid_client_device.mjs", "oauth4webapi_device.mjs"])
async def test_an_independent_device_is_let_in(
    demo: Demonstration, script: str, bound: bool
) -> None:
    options = ("--generate-key",) if bound else ("--auth-method", "none", "--profile", "oidc")
    client = registered(demo, *options)
    told = {"issuer": demo.ready["issuer"], "registered": client, "key": client.get("private_jwk")}

    async def entered(line: str) -> str:
        url = await let_in(demo, json.loads(line))
        assert url.endswith("/device/done")
        return url

    got = await driven(script, told, entered)
    assert got["userinfo"]["name"] == demo.resident["name"]
    assert got["userinfo"]["sub"] == got["id_token"]["sub"]
    assert got["token_type"] == ("dpop" if bound else "bearer")
