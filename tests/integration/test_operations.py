"""A server process that is asked to stop: not ready at once, finishes its work, then goes."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.long

PROGRAM = """
import asyncio, sys
import uvicorn
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.health import Check, Health
from config.runtime.tally import RequestTally
from config.runtime.telemetry import Metrics
from config.runtime.web import Budget, House, Route, Web, json_answer
from config.runtime.web.operations import Operations, budget_gauges
from config.runtime.web.protocol import BoundedProtocol

public, private = int(sys.argv[1]), int(sys.argv[2])
go_on = asyncio.Event()

async def slow(call):
    await go_on.wait()
    return json_answer({"finished": True})

async def until_told():
    await asyncio.to_thread(sys.stdin.readline)
    go_on.set()

async def quick(call):
    return json_answer({})

async def database():
    return None

clock, tally, budgets = SystemClock(), RequestTally(), {"login": Budget("login", 4, 0)}
web = Web(
    [
        Route(path="/slow", endpoints={"GET": slow}, budget="login"),
        Route(path="/quick", endpoints={"GET": quick}, budget="login"),
    ],
    House(
        origins=[f"http://127.0.0.1:{public}"],
        clock=clock,
        entropy=SystemEntropy(),
        budgets=budgets,
        tally=tally,
    ),
)
probes = Operations(
    Health(clock, [Check("database", database)]),
    Metrics(tally, budget_gauges(budgets)),
    lambda: web.draining,
    b"{}",
)

class Public(uvicorn.Server):
    def handle_exit(self, sig, frame):
        web.drain()
        self.should_exit = True

def config(app, port, **more):
    return uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws="none", **more)

async def main():
    operations = uvicorn.Server(config(probes, private))
    operations.capture_signals = __import__("contextlib").nullcontext
    serving = asyncio.create_task(operations.serve())
    told = asyncio.create_task(until_told())
    await Public(config(web, public, http=BoundedProtocol, timeout_graceful_shutdown=20)).serve()
    operations.should_exit = True
    await asyncio.gather(serving, told)

asyncio.run(main())
"""


@dataclass
class Running:
    """The process and its two addresses."""

    process: asyncio.subprocess.Process
    public: str
    private: str

    def tell(self) -> None:
        """Let the slow requests end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Running, httpx2.AsyncClient]]:
    public, private = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *(str(public), str(private)),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
    )
    limits = httpx2.Limits(max_keepalive_connections=0)
    try:
        async with httpx2.AsyncClient(limits=limits, timeout=20) as client, asyncio.timeout(60):
            server = Running(process, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{private}")
            for address in (f"{server.private}/livez", f"{server.public}/quick"):
                while not await answers(client, address):
                    await asyncio.sleep(0.02)
            yield server, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(client: httpx2.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).status_code == 200
    except httpx2.TransportError:
        return False


async def figure(client: httpx2.AsyncClient, server: Running, name: str) -> float:
    text = (await client.get(f"{server.private}/metrics")).text
    return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


async def until_running(client: httpx2.AsyncClient, server: Running, count: int) -> None:
    while await figure(client, server, 'symbolon_budget_running{budget="login"}') < count:
        await asyncio.sleep(0.01)


async def test_sigterm_drains() -> None:
    async with running() as (server, client):
        ready = await client.get(f"{server.private}/readyz")
        assert (ready.status_code, ready.json()["draining"]) == (200, False)
        begun = asyncio.create_task(client.get(f"{server.public}/slow"))
        await until_running(client, server, 1)

        server.process.send_signal(signal.SIGTERM)
        while (ready := await client.get(f"{server.private}/readyz")).status_code == 200:
            await asyncio.sleep(0.01)
        assert (ready.status_code, ready.json()["draining"]) == (503, True)
        assert (await client.get(f"{server.private}/livez")).status_code == 200
        assert not begun.done()

        server.tell()
        answer = await begun
        assert (answer.status_code, answer.json()) == (200, {"finished": True})
        assert answer.headers["connection"] == "close"
        assert await server.process.wait() == 0


async def test_the_surplus_is_shed_while_the_rest_goes_on() -> None:
    async with running() as (server, client):
        held = [asyncio.create_task(client.get(f"{server.public}/slow")) for _ in range(4)]
        await until_running(client, server, 4)
        surplus = await client.get(f"{server.public}/slow")
        assert (surplus.status_code, surplus.headers["retry-after"]) == (503, "1")
        assert json.loads(surplus.content)["error"] == "temporarily_unavailable"
        assert await figure(client, server, 'symbolon_budget_refused{budget="login"}') == 1
        assert (await client.get(f"{server.private}/readyz")).status_code == 200
        for task in held:
            task.cancel()
