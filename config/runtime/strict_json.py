"""Strict reading of JSON from outside: I-JSON (RFC 7493), bounded in depth."""

import json
from math import isfinite
from typing import NoReturn

from config.runtime.malformed import Malformed

DEEPEST = 32
"""Levels of arrays and objects; no document of ours has ten."""


def strict_json(body: bytes) -> object:
    """Return what ``body`` says: dict, list, str, int, float, bool or None; or raise Malformed.

    Refuses what parsers disagree on: a name twice in an object, NaN and Infinity, numbers out of
    range, lone surrogates, a byte order mark, anything that is not UTF-8; and NUL in any text,
    which PostgreSQL refuses and SQLite stores.
    """
    try:
        text = body.decode()
        value: object = _DECODER.decode(text)
        if "\\u" in text:
            _judge_texts(value)
        if text.count("[") + text.count("{") > DEEPEST:
            _judge_depth(value, DEEPEST)
    except RecursionError:
        raise Malformed("JSON nested too deeply") from None
    except ValueError:  # JSON, UTF-8, and integers of more than 4300 digits
        raise Malformed("not valid JSON") from None
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a name stands twice in a JSON object")
    return members


def _no_constant(_: str) -> NoReturn:
    raise Malformed("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise Malformed("a number is out of range")
    return number


def _judge_texts(value: object) -> None:
    """Look at what escapes wrote: all other text is UTF-8 without control characters already."""
    text = json.dumps(value, ensure_ascii=False)
    text.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    if "\\u0000" in text.replace("\\\\", ""):
        raise Malformed("NUL is not allowed")


def _judge_depth(value: object, levels: int) -> None:
    if isinstance(value, dict | list):
        if not levels:
            raise Malformed("JSON nested too deeply")
        for part in value.values() if isinstance(value, dict) else value:
            _judge_depth(part, levels - 1)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_finite
)
