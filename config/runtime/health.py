"""Whether this process can do its work, and if not, why and since when (R6)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock

Ask = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Check:
    """``ask`` returns why ``name`` cannot be used, in words for the operator and without any
    secret, or None. What is not ``needed`` is reported and does not make the process unready.
    """

    name: str
    ask: Ask
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: ``reason`` is empty when all is well; ``since`` is when that began."""

    name: str
    needed: bool
    reason: str
    since: int


class Health:
    """Asks every check at once, each within ``seconds``, and no more often than once a second."""

    def __init__(self, clock: Clock, checks: Sequence[Check], seconds: float = 1.0) -> None:
        self._clock = clock
        self._checks = tuple(checks)
        self._seconds = seconds
        self._found: dict[str, Finding] = {}
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def findings(self) -> list[Finding]:
        """Return what each check says, in the order in which they were given."""
        async with self._asking:
            at = self._clock.elapsed()
            if self._asked_at is None or at - self._asked_at >= 1.0:
                answers = await asyncio.gather(*(self._answer(check) for check in self._checks))
                for check, reason in zip(self._checks, answers, strict=True):
                    self._note(check, reason)
                self._asked_at = at
        return [self._found[check.name] for check in self._checks]

    @property
    def latest(self) -> list[Finding]:
        """Return what was found when the checks were asked last, if they ever were."""
        return list(self._found.values())

    async def _answer(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._seconds):
                return await check.ask() or ""
        except TimeoutError:
            return f"no answer within {self._seconds:g} s"
        except Exception as fault:
            return type(fault).__name__

    def _note(self, check: Check, reason: str) -> None:
        before = self._found.get(check.name)
        since = self._clock.now()
        if before is not None and bool(before.reason) == bool(reason):
            since = before.since
        self._found[check.name] = Finding(check.name, check.needed, reason, since)
