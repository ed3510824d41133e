"""Whether this machine's clock can be stamped with: compared with the database's, and with NTP."""

import ctypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable

KEPT = 10.0
"""Seconds for which one comparison is believed."""

ROUNDING = 1.0
"""Seconds by which whole seconds may differ from a clock that runs alike."""

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_OCTETS = 256

Skew = Callable[[int], Awaitable[float]]
"""By how many seconds a time (NumericDate) is ahead of another clock."""


@dataclass(slots=True, kw_only=True)
class TrustedTime:
    """Sure of the clock as long as it is within ``accuracy`` seconds of the database's.

    ``disciplined`` says whether NTP holds the clock; leave it out where the host does not tell.
    """

    skew: Skew
    clock: Clock
    accuracy: float
    disciplined: Callable[[], bool] = lambda: True
    _judged: tuple[float, bool] | None = field(default=None, init=False)

    async def is_sure(self) -> bool:
        """Return whether a time-stamp may be made now (ETSI EN 319 421 §7.7.2)."""
        at = self.clock.elapsed()
        if self._judged is None or not 0 <= at - self._judged[0] < KEPT:
            self._judged = at, self.disciplined() and await self._is_close()
        return self._judged[1]

    async def _is_close(self) -> bool:
        try:
            ahead = await self.skew(self.clock.now())
        except DatabaseUnavailable:
            return False
        return abs(ahead) <= self.accuracy + ROUNDING


def held_by_ntp() -> bool:
    """Return whether the kernel's clock is synchronised (adjtimex(2)); asks and changes nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    state = ctypes.create_string_buffer(_TIMEX_OCTETS)  # modes = 0: read only
    said: int = libc.adjtimex(state)
    return 0 <= said < _TIME_ERROR
