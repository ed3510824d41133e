"""How far an import is: a bar with rate and remaining time, or plain lines where none can be."""

import sys
from types import TracebackType
from typing import Any, Self

import click

from config.runtime.clock import Clock
from idp.residents.importing import Progress

EVERY = 5.0
"""Seconds between two plain lines."""


class ImportBar:
    """Shows progress on standard error."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.elapsed()
        self._told = self._began
        self._first: Progress | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def report(self, progress: Progress) -> None:
        """Show ``progress``."""
        if self._first is None:
            self._begin(progress)
        if self._bar is not None:
            self._bar.update(progress.position - self._bar.pos, progress)
        elif self._clock.elapsed() >= self._told + EVERY:
            self._told = self._clock.elapsed()
            click.echo(self._line(progress), err=True)

    def _begin(self, progress: Progress) -> None:
        self._first = progress
        if progress.resumed:
            click.echo(f"Going on from line {progress.line}", err=True)
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=progress.size,
                label="Importing",
                file=sys.stderr,
                show_eta=True,
                item_show_func=self._rate,
            )
            self._bar.update(progress.position)

    def _line(self, progress: Progress) -> str:
        share = progress.position / progress.size if progress.size else 1.0
        return f"{share:6.1%}  line {progress.line - 1}  {self._rate(progress)}"

    def _rate(self, progress: Progress | None) -> str:
        if progress is None or self._first is None:
            return ""
        seconds = max(self._clock.elapsed() - self._began, 0.001)
        rows = progress.tally.rows - self._first.tally.rows
        done = progress.position - self._first.position
        left = (progress.size - progress.position) / done * seconds if done else 0.0
        return f"{rows / seconds:,.0f} rows/s  {left:,.0f} s left"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.render_finish()
