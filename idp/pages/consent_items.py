"""The consent page's lists: what belongs together is one line and one tick."""

from collections.abc import Iterable
from typing import Any

from idp.pages.claim_names import CLAIM_NAMES
from idp.protocol.claims import VERIFIED
from idp.protocol.consent import Question


def items(question: Question) -> dict[str, Any]:
    """Return the lines of each list, in the order in which claims are told.

    Whether an address was checked goes with the address, where both are asked for.
    """
    return {
        "essential": lines(question.essential),
        "voluntary": lines(question.voluntary),
        "known": lines(question.known),
        "offline": question.offline,
    }


def ticked(names: Iterable[str]) -> frozenset[str]:
    """Return the claims that the ticks stand for."""
    chosen = frozenset(names)
    return chosen | {name for name, of in VERIFIED.items() if of in chosen}


def lines(claims: frozenset[str]) -> list[str]:
    """Return the claims to name, in the order in which they are told."""
    shown = {name for name in claims if VERIFIED.get(name) not in claims}
    return [name for name in CLAIM_NAMES if name in shown]
