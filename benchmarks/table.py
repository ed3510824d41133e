"""The outcome of a run as tables for people (Markdown) and as a tree for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import signing_table
from benchmarks.run import Outcome
from benchmarks.scenarios import SCENARIOS
from benchmarks.signing_table import head
from benchmarks.slices import Series

PEER = "oidc-provider"


def text(outcome: Outcome) -> str:
    """Return everything that was measured as Markdown."""
    return "\n".join(_lines(outcome))


def tree(outcome: Outcome) -> dict[str, Any]:
    """Return everything that was measured as JSON can hold it."""
    grown = outcome.growth
    return {
        "peer": outcome.peer,
        "floor_us": outcome.floor,
        "memory_mb": outcome.memory,
        "start_s": outcome.start,
        "look_up_ratio": grown.ratio if grown else None,
        "tokens": [asdict(rates) for rates in outcome.tokens],
        "signing": signing_table.tree(outcome.signing) if outcome.signing else None,
        "documents": asdict(outcome.documents) if outcome.documents else None,
        "series": [_branch(series, outcome.series) for series in outcome.series],
    }


def _branch(series: Series, every: Sequence[Series]) -> dict[str, Any]:
    peer = _peer(series.scenario, every)
    first = series.slices[0]
    return {
        "scenario": series.scenario,
        "target": series.target,
        "per_cpu_second": series.per_cpu_second,
        "times_the_peer": series.ratio(peer) if peer else None,
        "p50_ms": series.latency(0.5),
        "p99_ms": series.latency(0.99),
        "cpu_ms": {name: series.share(name) for name in first.cpu | first.database_cpu},
        "parts_ms": series.parts,
        "generator": max(each.generator_cpu / each.wall for each in series.slices),
    }


def _lines(outcome: Outcome) -> Iterator[str]:
    for scenario in SCENARIOS:
        found = [series for series in outcome.series if series.scenario == scenario.name]
        if found:
            yield from ("", f"### {scenario.title[0].upper()}{scenario.title[1:]}", "")
            yield from head("target", "per CPU-s", "x peer", "p50 ms", "p99 ms", "CPU ms of one")
            yield from (_row(_branch(series, outcome.series)) for series in found)
            for series in found:
                yield from _parts(series)
            if scenario.aim and outcome.peer:
                yield from ("", f"Aim: {scenario.aim:g} times the peer, p99 half of the peer's.")
    if outcome.floor:
        yield from ("", "### Floor", "")
        yield from head("what", "CPU microseconds")
        yield from (f"| {name} | {cost:.1f} |" for name, cost in outcome.floor.items())
    if outcome.memory:
        yield from ("", "### Process", "")
        yield from head("target", "web resident MB", "start s")
        for name, size in outcome.memory.items():
            yield f"| {name} | {size:.0f} | {outcome.start[name]:.2f} |"
    if grown := outcome.growth:
        yield from ("", "### Look-up of a resident", "")
        yield from head("residents", "microseconds")
        yield f"| {grown.small} | {grown.small_us:.0f} |"
        yield f"| {grown.large} | {grown.large_us:.0f} |"
        yield from ("", f"{grown.ratio:.2f} times; aim: 1.2 at 1 million.")
    if outcome.tokens:
        yield from ("", "### One-time keys", "")
        yield from head("backend", "kept key/s", "one-time keys/s", "ratio", "loop late, ms")
        for rates in outcome.tokens:
            ratio = rates.one_time / rates.kept
            figures = f"{rates.kept:.0f} | {rates.one_time:.0f} | {ratio:.2f} | {rates.gap_ms:.1f}"
            yield f"| {rates.name} | {figures} |"
    if outcome.signing:
        yield from signing_table.lines(outcome.signing)
    if outcome.documents:
        yield from signing_table.documents_lines(outcome.documents)
    if outcome.peer:
        yield from ("", f"Peer: {outcome.peer}.")


def _row(branch: dict[str, Any]) -> str:
    times = branch["times_the_peer"]
    shares = ", ".join(f"{name} {cost:.2f}" for name, cost in branch["cpu_ms"].items())
    cells = (
        branch["target"],
        f"{branch['per_cpu_second']:.0f}",
        "" if times is None else f"{times:.2f}",
        f"{branch['p50_ms']:.1f}",
        f"{branch['p99_ms']:.1f}",
        shares,
    )
    return f"| {' | '.join(cells)} |"


def _parts(series: Series) -> Iterator[str]:
    for name, parts in series.parts.items():
        told = ", ".join(f"{part} {cost:.3f}" for part, cost in parts.items())
        yield from ("", f"{name.capitalize()} on {series.target}, CPU ms of one: {told}.")


def _peer(scenario: str, every: Sequence[Series]) -> Series | None:
    found = (s for s in every if s.target == PEER and s.scenario == scenario)
    return next(found, None)
