"""A number that the resident remembers (RFC 8176 ``pin``), kept as an argon2id hash."""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from config.runtime.database.unit import Database, Write
from idp.factors.budgets import Budgets
from idp.factors.factor import Attempt, Busy, NotJudged, NotProven, Offer, TooMany
from idp.factors.hashing import Hasher
from idp.factors.numerals import typed_digits
from idp.factors.parts import Parts
from idp.residents.port import Residents
from idp.stores.challenges import Challenges

NAME = "pin"

SHORTEST = 4
LONGEST = 12
TRIES = 5
"""Answers that a login takes."""


def build(parts: Parts) -> "Pin":
    """Return the factor."""
    return Pin(
        residents=parts.residents,
        database=parts.database,
        challenges=parts.challenges(),
        budgets=parts.budgets(),
        hasher=Hasher(parts.settings.pin, parts.entropy),
    )


class WeakPin(ValueError):
    """The PIN that was chosen is too short, too long, no number, or the first that is guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The factor ``pin``."""

    residents: Residents
    database: Database
    challenges: Challenges
    budgets: Budgets
    hasher: Hasher

    name: str = NAME
    amr: tuple[str, ...] = ("pin",)
    field: str = "pin"

    async def offer(self, attempt: Attempt, now: int, moves: Sequence[Write] = ()) -> Offer:
        """See Factor.offer: nothing is sent."""
        if moves:
            await self.database.submit(*moves)
        return await self.view(attempt, now)

    async def view(self, attempt: Attempt, now: int) -> Offer:
        """See Factor.view."""
        state = await self.challenges.get(attempt.login_id, NAME)
        return Offer(tries_left=TRIES - (state.tries if state else 0))

    async def prove(self, attempt: Attempt, answer: str, now: int) -> tuple[Write, ...]:
        """See Factor.prove; a hash with older parameters is replaced. Raises Busy."""
        pin = typed_digits(answer, SHORTEST, LONGEST)
        if pin is None:
            raise NotJudged
        if self.hasher.full:
            raise Busy
        asked = attempt.asked(NAME)
        spending = await self.budgets.answer(attempt, NAME, now)
        counted, stored = await gather(
            self.challenges.count(asked, TRIES), self.residents.secret(asked.subject, NAME)
        )
        if counted is None:
            raise NotJudged  # whoever was named, so nothing shows in the time that it takes
        right = await self.hasher.verify(stored, pin)
        if not spending.allowed:
            raise TooMany
        if not right or stored is None:  # nobody has nothing stored
            raise NotProven
        await self.budgets.give_back(spending.charges, now)
        if not self.hasher.outdated(stored):
            return ()
        renewed = await self.hasher.hash(pin)
        return (await self.residents.enrol(asked.subject, NAME, renewed, now),)

    async def enrol(self, resident_id: str, chosen: str, now: int) -> Write:
        """Return the write that makes ``chosen`` the resident's PIN. Raises WeakPin and Busy."""
        pin = typed_digits(chosen, SHORTEST, LONGEST)
        if pin is None or weak(pin):
            raise WeakPin
        return await self.residents.enrol(resident_id, NAME, await self.hasher.hash(pin), now)


def weak(pin: str) -> bool:
    """Return whether all steps from digit to digit are the same: 1111, 1234, 8642."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return len(steps) == 1
