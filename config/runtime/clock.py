"""The only place that asks what time it is.

``now`` is a NumericDate (RFC 7519 §2) in whole seconds everywhere in Symbolon: a plain ``int``.
"""

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Return seconds since 1970-01-01T00:00:00Z, without leap seconds."""
        ...

    def elapsed(self) -> float:
        """Return seconds on a monotonic scale, for durations only."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        return int(time.time())

    def elapsed(self) -> float:
        return time.monotonic()
