"""``symbolon bench``: measure, and print each figure beside its floor and its peer."""

import asyncio
import json
from typing import TYPE_CHECKING

import click

from config.cli.failures import NotPossible
from config.wiring.loops import use_uvloop

if TYPE_CHECKING:
    from benchmarks.run import Outcome, Wish


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only this scenario, floor, growth, tokens, signing or documents.",
)
@click.option("--on", "targets", multiple=True, metavar="NAME", help="Only this deployment.")
@click.option("--seconds", default=1.0, show_default=True, help="Length of a slice.")
@click.option("--slices", default=5, show_default=True, help="Slices of each target.")
@click.option("--rows", default=1_000_000, show_default=True, help="Residents of the big store.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench(
    only: tuple[str, ...],
    targets: tuple[str, ...],
    seconds: float,
    slices: int,
    rows: int,
    as_json: bool,
) -> None:
    """Measure logins, endpoints and signing, beside the floor and what others wrote."""
    try:
        from benchmarks import run, table
    except ImportError as missing:
        raise NotPossible(
            f"benchmarks need the source tree and its test tools: {missing}"
        ) from None
    from benchmarks.scenarios import SCENARIOS
    from benchmarks.slices import Pace

    names = _chosen(only, (*(scenario.name for scenario in SCENARIOS), *run.OTHERS))
    wish = run.Wish(
        names=frozenset(names),
        targets=_chosen(targets, (*run.DEPLOYMENTS, run.PEER)),
        pace=Pace(seconds, slices),
        rows=rows,
    )
    outcome = _measured(wish)
    click.echo(json.dumps(table.tree(outcome), indent=2) if as_json else table.text(outcome))


def _measured(wish: "Wish") -> "Outcome":
    from benchmarks import run
    from benchmarks.processes import BenchFailed

    use_uvloop()
    try:
        return asyncio.run(run.run(wish, lambda text: click.echo(f"... {text}", err=True)))
    except BenchFailed as reason:
        raise NotPossible(str(reason)) from reason


def _chosen(wished: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    unknown = set(wished) - set(known)
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    return wished or known
