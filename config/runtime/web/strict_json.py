"""Strict reading of JSON from outside: I-JSON (RFC 7493), bounded in depth."""

import json
from math import isfinite
from typing import NoReturn

from config.runtime.web.malformed import Malformed

DEEPEST = 32
"""Levels of arrays and objects; no document of ours has ten."""


def strict_json(body: bytes) -> object:
    """Return what ``body`` says: dict, list, str, int, float, bool or None; or raise Malformed.

    Refuses what parsers disagree on: a name twice in an object, NaN and Infinity, numbers out of
    range, lone surrogates, a byte order mark, anything that is not UTF-8; and NUL in any text,
    which PostgreSQL refuses and SQLite stores.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
        _judge(value, DEEPEST)
        return value
    except RecursionError:
        raise Malformed("JSON nested too deeply") from None
    except ValueError:  # JSON, UTF-8, and integers of more than 4300 digits
        raise Malformed("not valid JSON") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a name stands twice in a JSON object")
    return members


def _no_constant(_: str) -> NoReturn:
    raise Malformed("NaN and Infinity are not JSON")


def _judge(value: object, levels: int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise Malformed("NUL is not allowed")
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    elif isinstance(value, float):
        if not isfinite(value):
            raise Malformed("a number is out of range")
    elif isinstance(value, dict | list):
        if not levels:
            raise Malformed("JSON nested too deeply")
        for part in value:
            _judge(part, levels - 1)
        if isinstance(value, dict):
            for part in value.values():
                _judge(part, levels - 1)
