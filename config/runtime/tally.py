"""Requests counted by route, status and latency: what the metrics are made of."""

from bisect import bisect_left

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges of the latency histogram."""


class RequestTally:
    """Counts requests by route template and status, and their latency by route template.

    Plain integers, touched by the event loop alone: half a microsecond a request, where a client
    library's locked counters cost six. Turned into metrics only when somebody asks.
    """

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, int], int] = {}
        self.latencies: dict[str, list[int]] = {}
        self.seconds: dict[str, float] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is the template, empty when no route was found."""
        key = (route, status)
        self.statuses[key] = self.statuses.get(key, 0) + 1
        buckets = self.latencies.get(route)
        if buckets is None:
            buckets = self.latencies[route] = [0] * (len(SECONDS) + 1)
        buckets[bisect_left(SECONDS, seconds)] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds
