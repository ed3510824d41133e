"""A client that others wrote asks without a browser; a person says yes behind a link."""

import asyncio
import json
import re
import subprocess
import sys
from typing import Any

import httpx2
import pytest

from config.wiring.demo.browser import Browser
from tests.demonstration import ROOT, Demonstration, code_for, inbox
from tests.interop.scripted import driven

LINK = re.compile(r"https?://\S+/approvals/\S+")

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]


def registered(demo: Demonstration, *options: str) -> dict[str, Any]:
    """Register a client on the command line, as an operator does."""
    settings = demo.directory / "data" / "symbolon.toml"
    command = (sys.executable, "-m", "config.cli.main", "--settings", str(settings), "rp", "add")
    made = subprocess.run(
        [
            *(*command, "Bank", "--grant-type", "ciba", "--delivery", "poll"),
            *("--generate-key", "--number-match", *options, "--json"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found


async def link(demo: Demonstration, http: httpx2.AsyncClient, known: int) -> str:
    """Return the address in the message that the person got."""
    async with asyncio.timeout(20):
        while len(messages := await inbox(demo, http, demo.resident)) <= known:
            await asyncio.sleep(0.1)
    found = LINK.search(messages[0]["text"])
    assert found is not None, messages[0]["text"]
    return found[0]


async def approve(demo: Demonstration, answer: dict[str, Any], known: int) -> str:
    """Go from the message to the end page, and return its address."""
    async with httpx2.AsyncClient(timeout=60) as http:
        browser = Browser(http)
        page = await browser.open(await link(demo, http, known))
        assert "Transfer 1234" in page.text
        number = answer["number_match"]
        page = await browser.submit(page, page.form("number"), number=number, decision="approve")
        before = len(await inbox(demo, http, demo.resident))
        typed = {"individual_id": demo.resident["individual_id"], "decision": "continue"}
        page = await browser.submit(page, page.form("individual_id"), **typed)
        otp = await code_for(demo, http, demo.resident, before)
        page = await browser.submit(page, page.form("otp"), otp=otp, decision="continue")
        page = await browser.submit(page, page.form("decision"), decision="accept")
        return page.url


@pytest.mark.parametrize("profile", ["oidc", "fapi2"])
async def test_an_independent_client_asks_and_polls(demo: Demonstration, profile: str) -> None:
    client = registered(demo, "--profile", profile)
    async with httpx2.AsyncClient(timeout=60) as http:
        known = len(await inbox(demo, http, demo.resident))
    told = {
        "issuer": demo.ready["issuer"],
        "registered": client,
        "key": client["private_jwk"],
        "asked": {
            "scope": "openid profile email",
            "login_hint": demo.resident["individual_id"],
            "binding_message": "Transfer 1234",
        },
    }

    async def approved(line: str) -> str:
        url = await approve(demo, json.loads(line), known)
        assert url.endswith("/approvals/done")
        return url

    got = await driven("openid_client_ciba.mjs", told, approved)
    assert got["userinfo"]["name"] == demo.resident["name"]
    assert got["userinfo"]["sub"] == got["id_token"]["sub"]
    assert got["token_type"] == ("dpop" if profile == "fapi2" else "bearer")
