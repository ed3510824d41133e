"""A circuit breaker: what is down is not asked again and again while people wait (R4)."""

from config.runtime.clock import Clock


class Breaker:
    """Closed until ``failures`` come in a row; then open for ``pause`` seconds; then one may try.

    Each further failure doubles the pause, up to sixteen times. Ask ``allows`` before a call and
    tell the outcome after it.
    """

    __slots__ = ("_clock", "_failures", "_most", "_pause", "_retry_at")

    def __init__(self, clock: Clock, *, failures: int = 3, pause: float = 1.0) -> None:
        self._clock = clock
        self._most = failures
        self._pause = pause
        self._failures = 0
        self._retry_at = 0.0

    @property
    def open(self) -> bool:
        """Return whether calls are refused or only tried one at a time."""
        return self._failures >= self._most

    def allows(self) -> bool:
        """Return whether a call may be made now; when open, one caller per pause is let through."""
        if self._failures < self._most:
            return True
        now = self._clock.elapsed()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._pause
        return True

    def succeeded(self) -> None:
        """Tell that a call was answered."""
        self._failures = 0

    def failed(self) -> None:
        """Tell that a call was not answered."""
        self._failures += 1
        if self._failures >= self._most:
            factor = 2 ** min(self._failures - self._most, 4)
            self._retry_at = self._clock.elapsed() + self._pause * factor
