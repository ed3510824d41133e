"""Processes that are measured: pinned to a core, their CPU time and memory read from /proc."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 30.0
"""Seconds that a process may take to answer."""


class BenchFailed(Exception):
    """Nothing can be measured; the text says what did not work."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: on a machine with one core, all share it."""

    servers: int
    rest: int

    @classmethod
    def mine(cls) -> "Cores":
        """Return the first and the last core that this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run the block, and every process that it starts, on ``core`` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started for the benchmark; what it says is in ``log``."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @classmethod
    def start(
        cls, command: Sequence[str], environment: Mapping[str, str], log: Path, core: int
    ) -> "Child":
        """Start ``command`` on ``core``."""
        with pinned(core), log.open("ab") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(environment),
                start_new_session=True,
            )
        return cls(process, log)

    def until(self, answers: Callable[[], bool]) -> float:
        """Return the seconds until ``answers`` says so; raise BenchFailed when it never does."""
        begun = time.monotonic()
        while not answers():
            if self.process.poll() is not None or time.monotonic() > begun + PATIENCE:
                last = self.log.read_text(errors="replace")[-500:]
                raise BenchFailed(f"{self.log.stem} does not run: {last}")
            time.sleep(0.01)
        return time.monotonic() - begun

    def stop(self) -> None:
        """Ask it to end; kill what does not."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time (user and system) of processes with all their living descendants."""
    return sum(_ticks(pid) for root in pids for pid in _family(root)) / TICKS


def children() -> Iterator[int]:
    """Yield the living children of this process."""
    for listed in Path("/proc/self/task").glob("*/children"):
        yield from map(int, listed.read_text().split())


def family_mb(pid: int) -> float:
    """Return the resident memory of a process and its living descendants, in MB of 2**20 bytes."""
    return sum(map(resident_mb, _family(pid)))


def resident_mb(pid: int) -> float:
    """Return the resident memory of one process, in MB of 2**20 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise BenchFailed(f"process {pid} has no memory")


def _family(root: int) -> Iterator[int]:
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:  # the thread ended meanwhile
            continue
        for child in found:
            yield from _family(int(child))


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # the process ended meanwhile
        return 0
    return int(fields[11]) + int(fields[12])
