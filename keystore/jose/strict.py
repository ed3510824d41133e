"""JSON from outside, read strictly: one object, no name twice, nothing that readers disagree on."""

import json
from typing import Any, NoReturn

_DEEPEST = 32


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the object in ``raw`` (UTF-8), or raise ValueError.

    Refused, because two readers could see two things: names that appear twice (RFC 8259 §4),
    NaN and infinities, lone surrogates, U+0000, and more than 32 levels.
    """
    text = raw.decode("utf-8")
    if text.count("{") + text.count("[") > _DEEPEST and _depth(text) > _DEEPEST:
        raise ValueError("nested too deeply")
    value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
        if "\\u0000" in text:
            raise ValueError("U+0000")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name appears twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _depth(text: str) -> int:
    # Brackets inside strings count too: that refuses only what nobody sends.
    depth = deepest = 0
    for letter in text:
        if letter in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "}]":
            depth -= 1
    return deepest
