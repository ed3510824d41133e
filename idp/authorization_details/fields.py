"""Reading the members of a detail: present, of the right kind, and no others."""

from collections.abc import Collection, Mapping
from typing import Any

from config.shown_text import LONGEST_TEXT, hidden
from idp.protocol.errors import InvalidAuthorizationDetails

MOST_ENTRIES = 20


def only(detail: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse members that the type does not have: nobody agrees to what is not shown (§5)."""
    for name in detail:
        if name not in known:
            raise InvalidAuthorizationDetails("a detail holds a member that its type does not have")


def text(detail: Mapping[str, Any], name: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text that can be shown on one line."""
    value = detail.get(name)
    reason = hidden(value if isinstance(value, str) else "", longest)
    if reason or not isinstance(value, str):
        raise InvalidAuthorizationDetails(f"{name} {reason}")
    return value


def texts(detail: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of such texts, none of them twice."""
    values = detail.get(name)
    if not isinstance(values, list) or not 0 < len(values) <= MOST_ENTRIES:
        raise InvalidAuthorizationDetails(f"{name} must be a list of 1 to {MOST_ENTRIES} texts")
    found = tuple(text({name: value}, name) for value in values)
    if len(set(found)) != len(found):
        raise InvalidAuthorizationDetails(f"{name} holds a text twice")
    return found


def part(detail: Mapping[str, Any], name: str, known: Collection[str]) -> Mapping[str, Any]:
    """Return an object inside the detail that has ``known`` members only."""
    value = detail.get(name)
    if not isinstance(value, dict):
        raise InvalidAuthorizationDetails(f"{name} must be an object")
    only(value, known)
    return value
