"""What was measured of signing as tables for people (Markdown) and as a tree for JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.documents import Documents
from benchmarks.pyhanko_peer import VERSION
from benchmarks.signing import AIM, AIM_BUSY_MS, AIM_RATIO, PYHANKO, Signed
from benchmarks.slices import Series

_AIMS = {
    "sign": f"Aim: {AIM} per CPU-second, {AIM_RATIO} times pyHanko.",
    "sign-far": f"Aim: the event loop is never busy for {AIM_BUSY_MS} ms.",
}


def lines(signed: Signed) -> Iterator[str]:
    """Yield a table for each scenario: each deployment, and its yardstick below."""
    for name, title in signed.titles.items():
        yield from ("", f"### {title[0].upper()}{title[1:]}", "")
        yield from head("target", "per CPU-s", "ratio", "p50 ms", "p99 ms", "CPU ms of one")
        pairs = [each for each in _pairs(signed.series) if each[0].scenario == name]
        for mine, other in pairs:
            yield _row(mine, f"{mine.ratio(other):.2f}", timed=True)
            yield _row(other, "1", timed=False)
        for mine, _ in pairs:
            yield from _where(mine)
        if name in _AIMS:
            yield from ("", _AIMS[name])
    yield from ("", "### Processes after signing", "")
    yield from head("target", "resident MB")
    for target, sizes in signed.memory.items():
        yield f"| {target} | {_listed(sizes, '.0f')} |"
    if signed.series:
        yield from ("", f"{VERSION}: with a key and a certificate for each signature, as ours has.")


def documents_lines(found: Documents) -> Iterator[str]:
    """Yield what formats and PDFs cost in one process."""
    yield from ("", "### Formats, in one process", "")
    yield from head(
        "format", "B-B from a digest /s", "raised to B-LT by a known token /s", "checked /s"
    )
    for name, figures in found.formats.items():
        cells = ("-" if one is None else f"{one:,.0f}" for one in figures)
        yield f"| {name} | {' | '.join(cells)} |"
    yield from ("", "### PDF, in one process", "")
    yield from head("what", "ours /s", f"{PYHANKO} /s", "times")
    for name, (ours, other) in found.pdf.items():
        yield f"| {name} | {ours:,.0f} | {other:,.0f} | {ours / other:.1f} |"
    yield from ("", f"{found.large[0].upper()}{found.large[1:]}.")


def tree(signed: Signed) -> dict[str, Any]:
    """Return what was measured as JSON can hold it."""
    return {
        "memory_mb": signed.memory,
        "series": [
            {
                "scenario": mine.scenario,
                "target": mine.target,
                "per_cpu_second": mine.per_cpu_second,
                "yardstick": other.target,
                "yardstick_per_cpu_second": other.per_cpu_second,
                "ratio": mine.ratio(other),
                "p50_ms": mine.latency(0.5),
                "p99_ms": mine.latency(0.99),
                "cpu_ms": {name: mine.share(name) for name in mine.slices[0].cpu},
                "parts_ms": mine.parts,
                "late_and_busy_ms": mine.late,
            }
            for mine, other in _pairs(signed.series)
        ],
    }


def head(*names: str) -> Iterator[str]:
    """Yield the head of a table."""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"


def _pairs(series: Sequence[Series]) -> Iterator[tuple[Series, Series]]:
    return zip(series[::2], series[1::2], strict=True)


def _row(series: Series, ratio: str, *, timed: bool) -> str:
    rate = f"{series.per_cpu_second:,.0f}"
    times = [f"{series.latency(part):.1f}" if timed else "" for part in (0.5, 0.99)]
    shares = {name: series.share(name) for name in series.slices[0].cpu}
    return f"| {' | '.join((series.target, rate, ratio, *times, _listed(shares, '.3f')))} |"


def _where(series: Series) -> Iterator[str]:
    for name, parts in series.parts.items():
        late, busy = series.late[name]
        told = _listed(parts, ".3f")
        yield from ("", f"{name.capitalize()} on {series.target}, CPU ms of one: {told}.")
        yield f"Its event loop was {late:.1f} ms late at worst, and {busy:.1f} ms busy."


def _listed(figures: Mapping[str, float], form: str) -> str:
    return ", ".join(f"{name} {figure:{form}}" for name, figure in figures.items())
