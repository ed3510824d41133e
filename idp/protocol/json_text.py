"""Strict reading of JSON that stands in a parameter: what two readers could read differently is
read by neither.
"""

import json


def read(text: str) -> object:
    """Return what ``text`` says, or raise ValueError: a name twice, NaN, a lone surrogate."""
    try:
        found: object = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
        text.encode()  # a lone surrogate is a ValueError
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
