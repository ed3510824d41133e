"""Measuring in short slices that alternate between the targets, so that noise meets all alike."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.processes import PATIENCE, BenchFailed, cpu_seconds
from benchmarks.scenarios import Scenario
from benchmarks.targets import Target
from benchmarks.where import Sample
from benchmarks.wire import Connection
from benchmarks.works import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What one slice measured: rounds done, CPU seconds by process, seconds of each round."""

    rounds: int
    wall: float
    cpu: dict[str, float]
    database_cpu: dict[str, float]
    generator_cpu: float
    latencies: tuple[float, ...]

    @property
    def per_cpu_second(self) -> float:
        """Return rounds per CPU-second of all processes of the server."""
        return self.rounds / max(sum(self.cpu.values()), 1e-9)


@dataclass(frozen=True, slots=True)
class Series:
    """The slices of one scenario on one target, in the order in which they were taken."""

    scenario: str
    target: str
    slices: list[Slice] = field(default_factory=list)
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    """CPU milliseconds of a process for one round, by part of the house (``where``)."""
    late: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By how many ms the event loop of a process woke up late, and how long it was busy."""

    @property
    def per_cpu_second(self) -> float:
        """Return the median of rounds per CPU-second."""
        return median(each.per_cpu_second for each in self.slices)

    def ratio(self, other: "Series") -> float:
        """Return how many times ``other`` this is: the median over slices taken together."""
        pairs = zip(self.slices, other.slices, strict=True)
        return median(mine.per_cpu_second / its.per_cpu_second for mine, its in pairs)

    def latency(self, part: float) -> float:
        """Return the wall time in ms that ``part`` of the rounds took at most."""
        return median(_quantile(each.latencies, part) for each in self.slices) * 1000

    def share(self, name: str) -> float:
        """Return the CPU milliseconds that process ``name`` spends on one round."""
        return 1000 * median(
            (each.cpu | each.database_cpu).get(name, 0.0) / each.rounds for each in self.slices
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """How many slices of how many seconds."""

    seconds: float
    slices: int


@dataclass(slots=True)
class Bench:
    """One target under one scenario, with work that is ready."""

    target: Target
    scenario: Scenario
    works: Sequence[Work]
    series: Series
    rate: float
    """Rounds per second that were seen last: as many assertions are signed ahead."""

    @classmethod
    async def open(cls, target: Target, scenario: Scenario, pace: Pace) -> "Bench":
        """Make everything ready, and run warm for half a second, or a slice that is shorter."""
        async with _connected(target, scenario.connections) as connections:
            works = await scenario.begin(target, connections)
        series = Series(scenario.name, target.name)
        bench = cls(target, scenario, works, series, scenario.first_rate)
        await bench.measure(min(0.5, pace.seconds))
        return bench

    async def measure(self, seconds: float, began: Callable[[], None] = lambda: None) -> Slice:
        """Ask for ``seconds``, wait until the server has settled, and return what it took.

        ``began`` is called when all is ready and the first request is about to leave.
        """
        if self.scenario.signs:
            await self.target.sign_ahead(int(1.5 * self.rate * seconds))
        await self.target.settle()
        latencies: list[float] = []
        async with _connected(self.target, self.scenario.connections) as connections:
            began()
            cpu, databases = self._cpu(self.target.processes), self._cpu(self.target.databases)
            own, begun = time.process_time(), time.perf_counter()
            pairs = zip(self.works, connections, strict=True)
            turns = (_turns(*pair, begun + seconds, latencies) for pair in pairs)
            await asyncio.gather(*turns)
            wall, generator = time.perf_counter() - begun, time.process_time() - own
            await self.target.settle()
        self.rate = len(latencies) / wall
        return Slice(
            rounds=len(latencies) * self.scenario.counts,
            wall=wall,
            cpu=_less(self._cpu(self.target.processes), cpu),
            database_cpu=_less(self._cpu(self.target.databases), databases),
            generator_cpu=generator,
            latencies=tuple(latencies),
        )

    async def sample(self, seconds: float) -> None:
        """Run one more slice, which is not counted, to see where the time goes."""
        files, processes = self.target.samples, self.target.processes
        for file in files.values():
            file.unlink(missing_ok=True)

        def begin() -> None:
            for name in files:
                os.kill(processes[name], signal.SIGUSR1)

        sampled = await self.measure(seconds, begin)
        for name, file in files.items():
            os.kill(processes[name], signal.SIGUSR2)
            told = await self._told(file)
            self.series.parts[name] = {
                part: 1000 * cpu / sampled.rounds for part, cpu in sorted(told.parts.items())
            }
            self.series.late[name] = 1000 * told.late, 1000 * told.busy

    async def _told(self, file: Path) -> Sample:
        deadline = time.monotonic() + PATIENCE
        while not file.exists():
            if time.monotonic() > deadline:
                raise BenchFailed(f"{self.target.name}: a process tells no samples")
            await asyncio.sleep(0.01)
        return msgspec.json.decode(file.read_bytes(), type=Sample)

    @staticmethod
    def _cpu(processes: dict[str, int]) -> dict[str, float]:
        return {name: cpu_seconds([pid]) for name, pid in processes.items()}


async def measured(scenario: Scenario, targets: Sequence[Target], pace: Pace) -> list[Series]:
    """Measure ``scenario`` on every target, slice after slice in turn."""
    benches = [await Bench.open(target, scenario, pace) for target in targets]
    for _ in range(pace.slices):
        for bench in benches:
            bench.series.slices.append(await bench.measure(pace.seconds))
    for bench in benches:
        await bench.sample(3 * pace.seconds)
    return [bench.series for bench in benches]


@asynccontextmanager
async def _connected(target: Target, count: int) -> AsyncIterator[list[Connection]]:
    """Open the connections of one slice: idle ones would be closed between two slices."""
    connections = [await Connection.open(target.port) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def _turns(work: Work, connection: Connection, until: float, latencies: list[float]) -> None:
    now = time.perf_counter()
    while now < until:
        await work.once(connection)
        begun, now = now, time.perf_counter()
        latencies.append(now - begun)


def _less(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
