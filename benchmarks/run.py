"""One run of the benchmarks: everything is started, measured in turn, and stopped."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import documents, floor, growth, ours, peer_process, signing, sink, tokens
from benchmarks.documents import Documents
from benchmarks.growth import Growth
from benchmarks.processes import Cores, pinned, resident_mb
from benchmarks.scenarios import SCENARIOS
from benchmarks.signing import Signed
from benchmarks.slices import Pace, Series, measured
from benchmarks.targets import Target
from benchmarks.tokens import Rates
from tests.servers import Postgresql, Redis, postgresql_server, redis_server

DEPLOYMENTS = ("sqlite", "sqlite-hsm", "postgresql", "postgresql-hsm")
PEER = "peer"
OTHERS = ("floor", "growth", "tokens", "signing", "documents")
SIGNING = {"sqlite": "sqlite", "sqlite-hsm": "sqlite-hsm", "sqlite-far": "sqlite-hsm"}
"""Deployments that sign, by the target that brings them: one also with a token that is far away."""


Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to measure: names of scenarios (or of OTHERS), on which targets."""

    names: frozenset[str]
    targets: tuple[str, ...]
    pace: Pace
    rows: int


@dataclass(slots=True)
class Outcome:
    """What was measured. ``floor`` is in CPU microseconds, ``memory`` in MB."""

    peer: str = ""
    floor: dict[str, float] = field(default_factory=dict)
    series: list[Series] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    growth: Growth | None = None
    tokens: list[Rates] = field(default_factory=list)
    signing: Signed | None = None
    documents: Documents | None = None


@dataclass(frozen=True, slots=True)
class _Servers:
    """Databases of this run, None where not wished for; ``core`` is for what is measured."""

    directory: Path
    core: int
    postgresql: Postgresql | None
    redis: Redis | None


async def run(wish: Wish, report: Report) -> Outcome:
    """Measure what is wished; ``report`` is told what is going on."""
    outcome = Outcome()
    cores = Cores.mine()
    with pinned(cores.rest), tempfile.TemporaryDirectory(prefix="symbolon-bench-") as name:
        async with _servers(wish, Path(name), cores.servers) as servers:
            await _run(wish, servers, outcome, report)
    return outcome


async def _run(wish: Wish, servers: _Servers, outcome: Outcome, report: Report) -> None:
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in wish.names]
    if "floor" in wish.names:
        report("the floor")
        await _floor(wish.pace, servers, outcome)
    if scenarios:
        async with _targets(wish, servers, outcome, report) as targets:
            for scenario in scenarios:
                report(scenario.title)
                outcome.series += await measured(scenario, targets, wish.pace)
            for target in targets:
                first = next(iter(target.processes.values()))
                outcome.memory[target.name] = resident_mb(first)
                outcome.start[target.name] = target.started_in
    if "growth" in wish.names:
        report(f"a store of {wish.rows} residents is filled")
        outcome.growth = await growth.measured(servers.directory, wish.rows)
    if "tokens" in wish.names:
        report("keys of key backends")
        outcome.tokens = await tokens.measured(servers.directory, wish.pace.seconds)
    if "signing" in wish.names:
        outcome.signing = await signing.measured(_signing_plans(wish, servers), wish.pace, report)
    if "documents" in wish.names:
        report("formats and PDFs in one process")
        outcome.documents = await asyncio.to_thread(documents.measured)


@asynccontextmanager
async def _servers(wish: Wish, directory: Path, core: int) -> AsyncIterator[_Servers]:
    shared = any(name.startswith("postgresql") for name in wish.targets)
    async with AsyncExitStack() as stack:
        postgresql = stack.enter_context(postgresql_server(durable=True)) if shared else None
        needs_redis = shared or PEER in wish.targets
        redis = stack.enter_context(redis_server()) if needs_redis else None
        yield _Servers(directory, core, postgresql, redis)


@asynccontextmanager
async def _targets(
    wish: Wish, servers: _Servers, outcome: Outcome, report: Report
) -> AsyncIterator[list[Target]]:
    async with AsyncExitStack() as stack:
        targets = []
        letters = await stack.enter_async_context(sink.listening())
        for name in wish.targets:
            if name != PEER:
                report(f"{name} starts")
                running = ours.running(_plan(name, servers), letters)
                targets.append(await stack.enter_async_context(running))
            elif node := peer_process.installed():
                assert servers.redis is not None
                outcome.peer = peer_process.version(node)
                log = servers.directory / "peer.log"
                peer = peer_process.running(node, servers.redis, log, servers.core)
                targets.append(stack.enter_context(peer))
            else:
                report("npm is not installed: measured without the peer")
        yield targets


def _plan(name: str, servers: _Servers) -> ours.Plan:
    hsm = name.endswith("-hsm")
    directory = servers.directory / name
    if name.startswith("sqlite"):
        return ours.Plan(name=name, directory=directory, core=servers.core, hsm=hsm)
    postgresql, redis = servers.postgresql, servers.redis
    assert postgresql is not None and redis is not None
    return ours.Plan(
        name=name,
        directory=directory,
        core=servers.core,
        database=postgresql.create(name),
        redis=redis.url,
        hsm=hsm,
        database_processes=(
            ("postgresql", postgresql.process.pid),
            ("redis", redis.process.pid),
        ),
    )


def _signing_plans(wish: Wish, servers: _Servers) -> list[ours.Plan]:
    return [
        ours.Plan(
            name=name,
            directory=servers.directory / f"signing-{name}",
            core=servers.core,
            hsm=name != "sqlite",
            far=name == "sqlite-far",
        )
        for name, target in SIGNING.items()
        if target in wish.targets and (name != "sqlite-far" or shutil.which("gcc"))
    ]


async def _floor(pace: Pace, servers: _Servers, outcome: Outcome) -> None:
    outcome.floor = floor.signatures(pace.seconds, servers.core)
    url = f"sqlite:///{servers.directory / 'floor.db'}"
    outcome.floor["write, sqlite"] = await floor.durable_write(url, pace.seconds, servers.core)
    if servers.postgresql is not None:
        url = servers.postgresql.create("floor")
        outcome.floor["write, postgresql"] = await floor.durable_write(
            url, pace.seconds, servers.core
        )
    jwks = next(scenario for scenario in SCENARIOS if scenario.name == "jwks")
    with floor.exchange(servers.directory / "hello.log", servers.core) as bare:
        [series] = await measured(jwks, [bare], pace)
    outcome.floor["HTTP exchange"] = 1e6 / series.per_cpu_second
