"""What an operator can measure: requests by route, gauges, and how late the event loop is."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from config.runtime.clock import Clock
from config.runtime.tally import SECONDS, RequestTally


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure that is asked for when somebody reads the metrics.

    ``read`` returns the figure for each value of ``label`` (``{"": 3}`` when there is no label).
    """

    name: str
    meaning: str
    read: Callable[[], dict[str, float]]
    label: str = ""


class LoopLag:
    """How late the event loop wakes up, in seconds: the worst of the last ten looks."""

    def __init__(self, clock: Clock, every: float = 0.5) -> None:
        self._clock = clock
        self._every = every
        self._last: list[float] = []

    @property
    def worst(self) -> float:
        """Return the worst lateness seen lately."""
        return max(self._last, default=0.0)

    async def watch(self) -> None:
        """Look again and again until cancelled."""
        while True:
            asleep = self._clock.elapsed()
            await asyncio.sleep(self._every)
            late = max(0.0, self._clock.elapsed() - asleep - self._every)
            self._last = [*self._last[-9:], late]

    def gauge(self) -> Gauge:
        """Return it as a gauge."""
        return Gauge(
            "symbolon_event_loop_lag_seconds",
            "How late the event loop wakes up.",
            lambda: {"": self.worst},
        )


class Metrics(Collector):
    """The metrics of this process in Prometheus' text format."""

    def __init__(self, tally: RequestTally, gauges: Sequence[Gauge]) -> None:
        self._tally = tally
        self._gauges = tuple(gauges)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """Return every metric, in the text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as prometheus-client wants them."""
        yield from self._requests()
        for gauge in self._gauges:
            family = GaugeMetricFamily(
                gauge.name, gauge.meaning, labels=[gauge.label] if gauge.label else []
            )
            for value, figure in gauge.read().items():
                family.add_metric([value] if gauge.label else [], figure)
            yield family

    def _requests(self) -> Iterator[Metric]:
        counted = CounterMetricFamily(
            "symbolon_requests", "Requests answered.", labels=["route", "status"]
        )
        for (route, status), number in self._tally.statuses.items():
            counted.add_metric([route, str(status)], number)
        yield counted
        latency = HistogramMetricFamily(
            "symbolon_request_seconds", "Time to the answer.", labels=["route"]
        )
        for route, buckets in self._tally.latencies.items():
            total = 0
            edges = []
            for edge, number in zip((*map(str, SECONDS), "+Inf"), buckets, strict=True):
                total += number
                edges.append((edge, total))
            latency.add_metric([route], edges, self._tally.seconds[route])
        yield latency
