"""Remembering what was found in octets that come again: certificates above all, and time-stamps."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

Found = TypeVar("Found")


def remembering(
    look: Callable[[bytes], Found], *, kept: int, longest: int
) -> Callable[[bytes], Found]:
    """Return ``look``, which asks nothing but the octets, with a memory of ``kept`` answers.

    What is longer than ``longest`` octets is looked at each time, so the memory has a bound that
    nobody outside can move; what ``look`` raises is not remembered.
    """
    known = lru_cache(maxsize=kept)(look)

    def found(octets: bytes) -> Found:
        return known(octets) if len(octets) <= longest else look(octets)

    return found
