"""``symbolon check`` and ``symbolon test``: the rules of the house, then the tests."""

import os
import subprocess
import sys
import time
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]

RULES = (
    ("ruff", ("ruff", "check", ".")),
    ("format", ("ruff", "format", "--check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
)


QUICK = ("tests/unit", "tests/architecture", "tests/contracts")
"""Rooms whose tests fit into a minute; journeys, attacks and interop come with ``test``."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def check(pytest_arguments: tuple[str, ...]) -> int:
    """Run what needs no server, within a minute: rules, types, imports, units and contracts."""
    return _run((*QUICK, "-m", "not server and not long", *pytest_arguments))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(pytest_arguments: tuple[str, ...]) -> int:
    """Run everything, with PostgreSQL, Redis, SoftHSM, Chromium and Node started for the tests."""
    return _run(pytest_arguments)


def _run(pytest_arguments: tuple[str, ...]) -> int:
    """Return 0 when every rule and test held. The tests run even where a rule is broken."""
    broken = [name for name, command in RULES if not _holds(name, command)]
    workers = (
        ()
        if any(a.startswith("-n") for a in pytest_arguments)
        else (
            *("-n", _workers()),
            *("--dist", "loadgroup"),
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    tests = subprocess.run(
        (sys.executable, "-m", "pytest", *workers, *pytest_arguments), cwd=ROOT, env=environment
    )
    if broken:
        click.echo(f"Rules that do not hold: {', '.join(broken)}", err=True)
    return 1 if broken else tests.returncode


def _workers() -> str:
    return str(max(2, os.cpu_count() or 1))


def _holds(name: str, command: tuple[str, ...]) -> bool:
    begun = time.monotonic()
    tool = Path(sys.executable).parent / command[0]
    outcome = subprocess.run(
        (str(tool), *command[1:]), cwd=ROOT, capture_output=True, text=True, check=False
    )
    verdict = "holds" if outcome.returncode == 0 else "is broken"
    click.echo(f"{name:8} {verdict} ({time.monotonic() - begun:.1f} s)", err=True)
    if outcome.returncode:
        click.echo(outcome.stdout + outcome.stderr, err=True)
    return outcome.returncode == 0
