"""Named points at which a test may let the process die, to show that dying there is safe (R9)."""

import os
import signal
from collections.abc import Callable

CrashHere = Callable[[str], None]
"""Called with the name of the point that was reached."""


def never(point: str) -> None:
    """Go on: what every process does that nobody wants to see die."""


class Crash:
    """Kills the process as ``kill -9`` does, when ``point`` is reached for the ``nth`` time."""

    def __init__(self, point: str, nth: int = 1) -> None:
        self._point = point
        self._left = nth

    def __call__(self, point: str) -> None:
        """Count, and die when it is time."""
        if point == self._point:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
