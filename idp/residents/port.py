"""The port to the foundational ID store: who residents are, without telling anyone else.

An adapter is one module of this room. Whatever a caller learns from a miss, a locked person or a
wrong answer must look and last the same to the outside; the adapter does the same work for an
identifier that nobody has as for one that somebody has.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from config.runtime.database.unit import Write

NOBODY = "nobody"
"""Whose internal identifier to go on with after a miss: no question costs less, all are empty."""


class UnknownResident(LookupError):
    """Something was to be written about a person who is not, or no longer, in the ID store."""


class State(StrEnum):
    ACTIVE = "active"
    LOCKED = "locked"
    EXPIRED = "expired"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A person in the ID store. ``id`` is internal and opaque: never shown, never sent.

    ``found_by`` names the identifier by which ``find`` found the person when something is to be
    done with it (a one-time number is spent, a hash by an old key renewed), else it is "". Keep it
    with the login, and put ``use(found_by)`` into the unit in which the login succeeds.
    ``claims`` are the names of those that the store has; None unless ``described`` was asked.
    """

    id: str
    state: State
    locked_factors: frozenset[str]
    enrolled: frozenset[str]
    found_by: str = ""
    claims: frozenset[str] | None = None

    def may_use(self, factor: str) -> bool:
        """Return whether the person is active, has ``factor`` and has not locked it."""
        return (
            self.state is State.ACTIVE
            and factor in self.enrolled
            and factor not in self.locked_factors
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One value of one claim: ``name`` as OpenID Connect Core 1.0 §5.1 names it.

    ``locale`` is a BCP 47 tag or "" (§5.2: ``name#ar``); ``value`` is JSON (str, bool, int,
    or the object of ``address``); ``verified_at`` (NumericDate or None) and ``authority`` say who
    checked it.
    """

    name: str
    locale: str
    value: Any
    verified_at: int | None
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where messages reach a person; None where the store knows none."""

    phone: str | None
    email: str | None
    locale: str


class Residents(Protocol):
    async def find(self, identifier: str, now: int) -> Resident | None:
        """Return whose national number, virtual ID or handle this is, as a person types it.

        None when nobody's, expired or used up. Takes the same time either way; so do the other
        questions when they are asked about NOBODY. Asking uses nothing up: see ``use``.
        """
        ...

    async def get(self, resident_id: str) -> Resident | None:
        """Return the resident with this internal identifier; None when erased."""
        ...

    async def described(self, resident_id: str) -> Resident | None:
        """Return what ``get`` does and, from the same look, which claims the store has.

        None of them is opened.
        """
        ...

    async def addresses(self, resident_id: str) -> Addresses: ...

    async def attributes(self, resident_id: str, names: Collection[str]) -> list[Attribute]:
        """Return every value of the named claims; a claim that the store lacks is left out."""
        ...

    async def shared(self, resident_id: str, names: Collection[str]) -> list[Attribute] | None:
        """Return what ``attributes`` does, from the same look; None unless the person is active."""
        ...

    async def secret(self, resident_id: str, factor: str) -> bytes | None:
        """Return what ``factor`` has enrolled, opened: a PIN's argon2 string, a TOTP seed."""
        ...

    async def enrol(self, resident_id: str, factor: str, secret: bytes, now: int) -> Write:
        """Return the write that enrols ``factor``, replacing what was enrolled before.

        Raises UnknownResident.
        """
        ...

    def lock(self, resident_id: str, factors: Collection[str], now: int) -> Write:
        """Return the write that locks exactly ``factors`` (and unlocks all others)."""
        ...

    def use(self, found_by: str, now: int) -> Write:
        """Return the write that spends one use of the identifier that ``found_by`` names.

        Refused when another login was quicker or it expired: to the person, NotProven. Needed
        only where ``found_by`` is not "".
        """
        ...
