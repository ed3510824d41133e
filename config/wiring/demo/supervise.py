"""The processes of the demonstration: started, watched, and stopped together."""

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STARTING = 90.0
"""Seconds that a process gets until it answers: long, for a small machine with much to do."""

STOPPING = 25.0
"""Seconds that the processes get to finish after SIGTERM."""


class ChildFailed(Exception):
    """A process of the demonstration ended by itself, or never answered; its log says why."""


@dataclass(slots=True)
class Supervisor:
    """Starts processes of this program; their logs are in ``logs``, a file each."""

    logs: Path
    environment: Mapping[str, str]
    _children: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str, *arguments: str) -> None:
        """Start ``python -m ARGUMENTS`` as the child ``name``; it ends when this process dies."""
        with (self.logs / f"{name}.log").open("wb") as log:
            self._children[name] = await asyncio.create_subprocess_exec(
                *_tied(),
                sys.executable,
                "-m",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
            )

    async def until(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        """Return when ``answers`` says so; raise ChildFailed when ``name`` dies or stays silent."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STARTING
        while not await answers():
            if self._children[name].returncode is not None or loop.time() > deadline:
                raise self._failure(name)
            await asyncio.sleep(0.03)

    async def watch(self) -> None:
        """Wait until a child ends, then raise ChildFailed: none should end by itself."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self._children.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        raise self._failure(waits[done.pop()])

    async def stop(self) -> None:
        """Stop all, the key service after those that ask it; what does not end is killed."""
        first = [child for name, child in self._children.items() if name != "keys"]
        last = [child for name, child in self._children.items() if name == "keys"]
        for children in (first, last):
            await asyncio.gather(*(_stopped(child) for child in children))

    def kill(self) -> None:
        """Kill all at once."""
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.kill()

    def _failure(self, name: str) -> ChildFailed:
        lines = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()
        last = lines[-1][:500] if lines else "it wrote nothing"
        return ChildFailed(f"{name} does not run: {last} (see {self.logs / f'{name}.log'})")


def _tied() -> tuple[str, ...]:
    """Return what has the kernel stop a child whose parent was killed (PR_SET_PDEATHSIG)."""
    setpriv = shutil.which("setpriv")  # of util-linux: every Debian has it
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


async def _stopped(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), STOPPING)
    except TimeoutError:
        child.kill()
        await child.wait()
