"""The consent page's lists: what belongs together is one row, and one line has one tick."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.pages.claim_names import CLAIM_GROUPS
from idp.protocol.claims import VERIFIED
from idp.protocol.consent import Question
from idp.protocol.details import Detail, DetailType


@dataclass(frozen=True, slots=True)
class Group:
    """Claims that belong together; ``name`` is a key of ``CLAIM_GROUPS``."""

    name: str
    claims: tuple[str, ...]


def items(question: Question) -> dict[str, Any]:
    """Return the groups of each list, in the order in which claims are told."""
    return {
        "essential": groups(question.essential),
        "voluntary": groups(question.voluntary),
        "known": groups(question.known),
        "offline": question.offline,
    }


def details(
    asked: Sequence[Detail], types: Mapping[str, DetailType], t: Callable[[str], str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return for each detail its heading and its rows of label and value, in words of ``t``."""
    shown = [types[detail["type"]].shown(detail) for detail in asked]
    return [
        (
            t(one.heading),
            [(t(row.label), t(row.value) if row.is_ours else row.value) for row in one.rows],
        )
        for one in shown
    ]


def ticked(names: Iterable[str]) -> frozenset[str]:
    """Return the claims that the ticks stand for."""
    chosen = frozenset(names)
    return chosen | {name for name, of in VERIFIED.items() if of in chosen}


def groups(claims: frozenset[str]) -> list[Group]:
    """Return the claims to name, by group.

    Whether an address was checked goes with the address, where both are asked for.
    """
    shown = {name for name in claims if VERIFIED.get(name) not in claims}
    found = [
        Group(name, tuple(claim for claim in members if claim in shown))
        for name, members in CLAIM_GROUPS.items()
    ]
    return [group for group in found if group.claims]
