"""A unit as one PostgreSQL statement: one round trip, one implicit transaction.

Each write becomes a data-modifying WITH query; the main query counts the rows that each touched
and, where a count is not the one asked for, fails a cast whose text names the write. The failure
rolls everything back. No function has to be installed, and nothing is sent twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Insert

from config.runtime.database.compiled import Compiled
from config.runtime.database.unit import Statement, Value, Write

_PARAMETER = re.compile(r"\$(\d+)")
_REFUSAL = re.compile(r'"refused (\d+) ')


@dataclass(frozen=True, slots=True, eq=False)
class UnitText:
    """``text`` answers one value: how many rows its first write touched (see ``refused_index``)."""

    text: str
    parts: tuple[Compiled, ...]


def in_locking_order(writes: tuple[Write, ...]) -> tuple[Write, ...]:
    """Return ``writes`` such that those of one statement come in the order of their values.

    Two units that change the same rows with one statement then lock them in one order, and neither
    waits for the other. Inserts stay as they are: the database counts them in order of arrival.
    """
    places: dict[Statement, list[int]] = {}
    for place, write in enumerate(writes):
        places.setdefault(write.statement, []).append(place)
    if len(places) == len(writes):
        return writes
    ordered = list(writes)
    for statement, mine in places.items():
        if len(mine) > 1 and not isinstance(statement.clause, Insert):
            turns = sorted((writes[place] for place in mine), key=_values)
            for place, write in zip(mine, turns, strict=True):
                ordered[place] = write
    return tuple(ordered)


def compose(parts: Sequence[Compiled], expected: Sequence[int | None]) -> UnitText:
    """Return the statement of a unit of ``parts``, of which each must touch ``expected`` rows."""
    queries: list[str] = []
    offset = 0
    for index, part in enumerate(parts):
        text = _renumbered(part.text, offset)
        queries.append(f"w{index} AS ({text}{'' if part.returns_rows else ' RETURNING 1'})")
        offset += len(part.names)
    checks = [
        _check(index, rows, lone=len(parts) == 1)
        for index, rows in enumerate(expected)
        if rows is not None
    ]
    answer = f"CASE {' '.join(checks)} ELSE {_count(0)} END" if checks else _count(0)
    return UnitText(f"WITH {', '.join(queries)} SELECT {answer}", tuple(parts))


def refused_index(message: str) -> int | None:
    """Return which write an error message of the server says was refused, or None."""
    found = _REFUSAL.search(message)
    return int(found[1]) if found else None


def _values(write: Write) -> list[tuple[str, str, Value]]:
    named = sorted(write.values.items())
    return [(name, type(value).__name__, "" if value is None else value) for name, value in named]


def _renumbered(text: str, offset: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + offset}", text) if offset else text


def _count(index: int) -> str:
    return f"(SELECT count(*) FROM w{index})"  # noqa: S608 - a number made here


def _check(index: int, rows: int, lone: bool) -> str:
    # A lone write that touched nothing has nothing to roll back: the caller compares the count,
    # and the server's log stays free of errors for races that are lost every day.
    accepted = f"NOT IN (0, {rows})" if lone else f"<> {rows}"
    count = _count(index)
    return f"WHEN {count} {accepted} THEN ('refused {index} ' || {count})::bigint"
