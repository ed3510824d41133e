"""What the key service remembers: the versions of its keys, and the use that was made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from keystore.purposes import Role
from keystore.rotation import KeyVersion, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """Who did what with which key, how often, and when (for a tally: until when)."""

    role: Role
    purpose: str
    kid: str
    at: int
    count: int = 1


class KeysChanged(Exception):
    """The keys are not as they were when the change was decided: read them and decide anew."""


class KeyRecords(Protocol):
    """The key service's own database. Raises config.runtime.database.unit.DatabaseUnavailable."""

    async def versions(self) -> list[KeyVersion]:
        """Return every version that was not destroyed."""
        ...

    async def change(self, added: Sequence[KeyVersion], moves: Sequence[Move]) -> None:
        """Add versions and move others in one unit, or raise KeysChanged and change nothing."""
        ...

    async def destroyed(self, key: KeyVersion) -> None:
        """Remember that the private part of a retired version is gone."""
        ...

    async def record(self, uses: Sequence[KeyUse]) -> None:
        """Record uses durably."""
        ...
