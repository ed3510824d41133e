"""Proofs that an entry is in the log, as RFC 9162 §2.1.3 makes and checks them: pure functions."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.audit.tree import parent

Node = tuple[int, int]
"""A perfect subtree: its height, and its number among those of that height, from 0."""


class NotIncluded(Exception):
    """The path does not lead from the entry to the root that was promised."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The way from the entry at ``place`` to the root of the first ``size`` entries."""

    place: int
    size: int
    path: tuple[bytes, ...]


def siblings(place: int, size: int) -> list[list[Node]]:
    """Return the path's subtrees from the entry upwards, each as the perfect ones that make it.

    Raises ValueError if the log of ``size`` has no entry at ``place``.
    """
    if not 0 <= place < size:
        raise ValueError("the log does not reach so far")
    found: list[list[Node]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if place < middle:
            found.append(perfect(middle, end))
            end = middle
        else:
            found.append(perfect(start, middle))
            start = middle
    return found[::-1]


def perfect(start: int, end: int) -> list[Node]:
    """Return the perfect subtrees of the entries from ``start`` to before ``end``, largest first.

    ``start`` is a multiple of the largest of them, as every subtree's of RFC 9162 is.
    """
    nodes = []
    while start < end:
        height = (end - start).bit_length() - 1
        nodes.append((height, start >> height))
        start += 1 << height
    return nodes


def check(leaf: bytes, inclusion: Inclusion, root: bytes) -> None:
    """Return if the path leads from ``leaf`` to ``root`` (§2.1.3.2), or raise NotIncluded."""
    place, last = inclusion.place, inclusion.size - 1
    if not 0 <= place <= last:
        raise NotIncluded("the log does not reach so far")
    found = leaf
    for one in inclusion.path:
        if last == 0:
            raise NotIncluded("the path is too long")
        if place & 1 or place == last:
            found = parent(one, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = parent(found, one)
        place, last = place >> 1, last >> 1
    if last or not hmac.compare_digest(found, root):
        raise NotIncluded("the path does not lead to the root")


def joined(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a power of two of hashes that stand beside one another."""
    level = list(hashes)
    while len(level) > 1:
        level = [parent(*level[n : n + 2]) for n in range(0, len(level), 2)]
    return level[0]
