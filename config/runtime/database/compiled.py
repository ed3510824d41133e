"""Statements as the driver wants them: text, and values in order. Compiled once per dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from config.runtime.database.unit import Statement, Value

REMEMBERED = 2048
"""How many compiled texts are kept; a program has some hundred statements."""


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """One statement in the SQL of one dialect. ``literals`` are values that the clause carries."""

    text: str
    names: tuple[str, ...]
    literals: Mapping[str, Value]
    returns_rows: bool

    def arguments(self, values: Mapping[str, Value]) -> list[Value]:
        """Return ``values`` in the order of the text; ValueError for text that holds NUL."""
        if self.literals:
            values = {**self.literals, **values}
        ordered = [values[name] for name in self.names]
        for value in ordered:
            if type(value) is str and "\0" in value:
                raise ValueError("text that holds NUL cannot be stored")
        return ordered


class Compiler:
    """Remembers what it compiled, by the identity of the statement."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[Statement, Compiled] = {}

    def __call__(self, statement: Statement) -> Compiled:
        """Return ``statement`` compiled."""
        known = self._known.get(statement)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[statement] = self._compile(statement)
        return known

    def _compile(self, statement: Statement) -> Compiled:
        # Literal lists (``column.in_(["a", "b"])``) become as many parameters.
        compiled = cast(
            SQLCompiler,
            statement.clause.compile(
                dialect=self._dialect, compile_kwargs={"render_postcompile": True}
            ),
        )
        names = tuple(compiled.positiontup or ())
        asked = {name for name, bind in compiled.binds.items() if bind.required}
        literals = {name: compiled.params[name] for name in names if name not in asked}
        return Compiled(
            text=compiled.string,
            names=names,
            literals=literals,
            returns_rows=bool(getattr(compiled, "effective_returning", None)),
        )
