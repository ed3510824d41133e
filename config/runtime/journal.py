"""What happened, written in the same unit as the change itself (R8 of docs/architecture.md).

A fact holds no personal datum, secret or token: opaque identifiers only (R10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from config.runtime.database.unit import Value, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """``name`` is ``room.event`` (``login.succeeded``); ``about`` is what it concerns, opaque."""

    name: str
    at: int
    about: str
    details: Mapping[str, Value] = field(default_factory=dict)


class Journal(Protocol):
    def write(self, fact: Fact) -> Write:
        """Return the write that records ``fact``; put it into the unit of the change."""
        ...
