"""The ``claims`` request parameter (OpenID Connect Core 1.0 §5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol import json_text
from idp.protocol.errors import InvalidRequest

MOST_CLAIMS = 200
"""Members of one list of claims at most: every standard claim in several languages."""

MOST_VALUES = 50
"""Values of one claim at most."""

_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """How one claim was asked for (§5.5.1). ``values`` is empty when any value will serve."""

    essential: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Claims by name, a name may carry a language tag (§5.2); unknown members are ignored."""

    userinfo: Mapping[str, Asked] = field(default_factory=dict)
    id_token: Mapping[str, Asked] = field(default_factory=dict)


NOTHING = ClaimsRequest()
"""No claim was asked for one by one."""


def parse(text: str | None) -> ClaimsRequest:
    """Return what the parameter asks for, or raise InvalidRequest when it is malformed.

    Strict where readers could differ (a name twice, NaN), lenient where §5.5 demands it (members
    that are not understood).
    """
    if text is None:
        return NOTHING
    try:
        asked = json_text.read(text)
    except ValueError:
        raise InvalidRequest("claims is not valid JSON") from None
    if not isinstance(asked, dict):
        raise InvalidRequest("claims must be a JSON object")
    return ClaimsRequest(_claims(asked, "userinfo"), _claims(asked, "id_token"))


def _claims(asked: dict[str, object], member: str) -> dict[str, Asked]:
    claims = asked.get(member)
    if claims is None:
        return {}
    if not isinstance(claims, dict) or len(claims) > MOST_CLAIMS:
        raise InvalidRequest(f"{member} in claims must be an object of claims")
    # Unknown names are ignored (§5.5), and no known one has characters that are not printable.
    return {name: _asked(how) for name, how in claims.items() if name.isprintable()}


def _asked(how: object) -> Asked:
    if how is None:  # §5.5.1: null asks in the default manner
        return Asked()
    if not isinstance(how, dict):
        raise InvalidRequest("a claim in claims must be null or an object")
    essential = how.get("essential", False)
    if not isinstance(essential, bool):
        raise InvalidRequest("essential in claims must be true or false")
    values = how.get("values", [])
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise InvalidRequest("values in claims must be an array")
    if "value" in how:
        values = [how["value"], *values]
    if not all(_is_shallow(value, _DEEPEST) for value in values):
        raise InvalidRequest("claims is nested too deeply or holds a value that is none")
    return Asked(essential, tuple(values))


def _is_shallow(value: object, levels: int) -> bool:
    """Tell whether ``value`` is small in depth and text that any database stores."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return -(2**53) < value < 2**53  # RFC 7493 §2.2; infinity is out of it too
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return levels > 0 and all(_is_shallow(part, levels - 1) for part in value)
    return True
