"""Where the time of a process goes: its stacks, sampled while it works, by part of the house.

A timer of the process's CPU time interrupts it; the stack that stands then is charged with the CPU
time that the event loop's thread used since the last time. Only in slices of their own: sampling
costs a few hundredths, which must not be in the figures. What other threads use is the store's.
Beside that it looks how late the event loop wakes up.
"""

import asyncio
import signal
import time
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

TICK = 0.002
"""Seconds of CPU time between two looks."""

PARTS: tuple[tuple[str, str], ...] = (
    ("keystore/jose/reader.py:_check", "signature"),
    ("config/runtime/strict_json", "parser"),
    ("keystore/jose/", "parser"),
    ("keystore/service/", "key service"),
    ("keystore/cells", "key service"),
    ("keystore/backends/", "keys"),
    ("keystore/pkcs11/", "keys"),
    ("keystore/batches", "keys"),
    ("keystore/stores/", "store"),
    ("keystore/authority/responder", "answers"),
    ("keystore/authority/", "certificates"),
    ("keystore/timestamping/", "time-stamps"),
    ("keystore/signing/", "signing"),
    ("keystore/checking/", "check"),
    ("esignet/formats/", "formats"),
    ("esignet/stores/", "store"),
    ("config/runtime/audit/", "audit"),
    ("config/runtime/database/", "store"),
    ("idp/stores/", "store"),
    ("idp/residents/", "store"),
    ("idp/pages/", "pages"),
    ("site-packages/jinja2/", "pages"),
    ("config/runtime/web/", "parser"),
    ("site-packages/uvicorn/", "parser"),
    ("idp/protocol/parameters", "parser"),
    ("idp/protocol/claims_request", "parser"),
    ("idp/", "flow"),
    ("esignet/", "flow"),
)
"""By a piece of ``path:function``, the first that fits: the innermost frame that fits decides."""

LOOK = 0.001
"""Seconds that are slept between two looks at how late the event loop is."""

LOOP = "loop"
"""What no frame of ours was charged with: tasks, sockets, and waiting for other threads."""


class Sample(msgspec.Struct, frozen=True):
    """Seconds of CPU by part, and by how many seconds the event loop woke up late at worst.

    ``busy`` is how much CPU it used in the longest stretch between two looks: what it would be late
    by on a machine with nobody else.
    """

    parts: dict[str, float]
    late: float
    busy: float


class Sampler:
    """SIGUSR1 begins, SIGUSR2 writes a Sample to ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._known: dict[tuple[str, str], str | None] = {}
        self._last = 0.0
        self._began = 0.0
        self._late = self._busy = 0.0

    async def beside(self, serving: Coroutine[Any, Any, None]) -> None:
        """Look at the event loop for as long as it serves."""
        looking = asyncio.create_task(self._look_at_loop())
        try:
            await serving
        finally:
            looking.cancel()

    async def _look_at_loop(self) -> None:
        while True:
            before, used, looks = time.monotonic(), time.thread_time(), self._began
            await asyncio.sleep(LOOK if looks else 0.1)
            if looks:
                self._late = max(self._late, time.monotonic() - before - LOOK)
                self._busy = max(self._busy, time.thread_time() - used)

    def install(self) -> None:
        """Listen to the signals; for the main thread, which runs the event loop."""
        signal.signal(signal.SIGPROF, self._look)
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)
        for each in (signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2):
            signal.siginterrupt(each, False)

    def _begin(self, *_: object) -> None:
        self._seconds.clear()
        self._late = self._busy = 0.0
        self._last = time.thread_time()
        self._began = time.process_time() - self._last
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)

    def _look(self, _: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self._seconds[self._part(frame)] += now - self._last
        self._last = now

    def _end(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        others = time.process_time() - time.thread_time() - self._began
        self._began = 0.0
        self._seconds["store"] += max(0.0, others)
        ready = self._file.with_suffix(".new")
        sample = Sample(dict(self._seconds), self._late, self._busy)
        ready.write_bytes(msgspec.json.encode(sample))
        ready.replace(self._file)

    def _part(self, frame: FrameType | None) -> str:
        while frame is not None:
            code = frame.f_code
            name = (code.co_filename, code.co_name)
            if name not in self._known:
                self._known[name] = _fitting(":".join(name))
            part = self._known[name]
            if part is not None:
                return part
            frame = frame.f_back
        return LOOP


def _fitting(name: str) -> str | None:
    return next((part for piece, part in PARTS if piece in name), None)
