"""The running demonstration, for tests that come from outside: real processes, real sockets."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from config.wiring.demo.browser import Browser, Page

ROOT = Path(__file__).parents[1]
PATIENCE = 180


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A demonstration that answers, and what its ready file says."""

    ready: dict[str, Any]
    process: subprocess.Popen[bytes]
    directory: Path

    def client(self, method: str) -> dict[str, Any]:
        """Return the registered client that authenticates by ``method``."""
        found: dict[str, Any] = next(
            c for c in self.ready["clients"] if c["token_endpoint_auth_method"] == method
        )
        return found

    @property
    def resident(self) -> dict[str, Any]:
        first: dict[str, Any] = self.ready["residents"][0]
        return first


def free_ports(count: int) -> int:
    """Return the first of ``count`` neighbouring ports that are free.

    Below those that the kernel gives to clients, which may be in use at any moment; processes with
    neighbouring numbers look at sixteen ports each before they meet: workers start together.
    """
    for step in range(3000):
        start = 20_000 + (os.getpid() * 16 + step * count) % 12_000
        if all(_is_free(port) for port in range(start, start + count)):
            return start
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def demonstration(directory: Path, *arguments: str) -> Iterator[Demonstration]:
    """Run ``symbolon demo`` in ``directory`` until the block ends, then stop it with SIGINT."""
    ready_file = directory / "ready-for-tests.json"
    ready_file.unlink(missing_ok=True)
    log = (directory / "demo.log").open("ab")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "config.cli.main", "demo", "--data", str(directory / "data")),
            *("--port", str(free_ports(8)), "--ready-file", str(ready_file), *arguments),
        ],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(ready_file, process, directory / "demo.log")
        yield Demonstration(json.loads(ready_file.read_text()), process, directory)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        log.close()


def _wait_for(ready_file: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    import time

    deadline = time.monotonic() + PATIENCE
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"the demonstration did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)


async def code_for(
    demo: Demonstration, http: httpx2.AsyncClient, resident: dict[str, Any], known: int
) -> str:
    """Return the resident's newest code once more than ``known`` messages are in the inbox."""
    async with asyncio.timeout(60):
        while True:
            messages = await inbox(demo, http, resident)
            if len(messages) > known:
                return str(messages[0]["code"])
            await asyncio.sleep(0.05)


async def inbox(
    demo: Demonstration, http: httpx2.AsyncClient, resident: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the messages to ``resident``, newest first."""
    address = resident["phone"] or resident["email"]
    answer = await http.get(f"{demo.ready['inbox']}/messages", params={"to": address})
    found: list[dict[str, Any]] = answer.json()
    return found


async def log_in(demo: Demonstration, authorize: str, redirect_uri: str) -> str:
    """Walk a login with a one-time code as a person without JavaScript; return the callback."""
    async with httpx2.AsyncClient(timeout=60) as http:
        browser = Browser(http, stop_at=(redirect_uri,))
        known = len(await inbox(demo, http, demo.resident))
        page = await browser.open(authorize)
        page = await _answer(browser, page, "individual_id", demo.resident["individual_id"])
        page = await _answer(browser, page, "otp", await code_for(demo, http, demo.resident, known))
        if browser.stopped_at is None:
            await browser.submit(page, page.form("decision"), decision="accept")
        assert browser.stopped_at is not None
        return browser.stopped_at


async def _answer(browser: Browser, page: Page, field: str, answer: str) -> Page:
    return await browser.submit(page, page.form(field), decision="continue", **{field: answer})
