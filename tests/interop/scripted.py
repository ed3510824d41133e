"""Clients that others wrote, run by Node; what they open, a person walks."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from config.wiring.demo.browser import Browser
from tests.deployment import PIN, Deployment

HERE = Path(__file__).parent
CALLBACK = "https://client.example/cb"  # FAPI's clients are answered at https addresses alone


async def walked(place: Deployment, authorize: str) -> str:
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


async def driven(
    script: str, told: Mapping[str, Any], answered: Callable[[str], Awaitable[str]]
) -> dict[str, Any]:
    """Return what the script found out.

    It prints one line, an address to open or a code to type, and may read what ``answered`` makes
    of it.
    """
    process = await asyncio.create_subprocess_exec(
        *("node", str(HERE / script), json.dumps(told)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    line = (await process.stdout.readline()).decode().strip()
    if line:
        process.stdin.write((await answered(line)).encode() + b"\n")
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found
