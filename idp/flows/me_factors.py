"""How a resident logs in: setting up a PIN or an application, locking and unlocking."""

from dataclasses import dataclass, replace

from idp.factors import totp
from idp.factors.numerals import typed_digits
from idp.factors.pin import Pin, WeakPin
from idp.factors.totp import Totp
from idp.flows.me import Me, Person
from idp.flows.me_pins import LONGEST, SHORT, SHORTEST, weakness
from idp.protocol.login import IllegalMove
from idp.stores.history import ENROLLED, LOCKED, UNLOCKED


@dataclass(frozen=True, slots=True)
class OwnFactors:
    """Changing how one logs in. Whoever calls made sure that the person was proven recently."""

    me: Me

    def seed(self) -> bytes:
        """Return a new secret for an authenticator application."""
        return totp.new_seed(self.me.ground.entropy)

    async def set_pin(self, person: Person, chosen: str, now: int) -> None:
        """Make ``chosen`` the person's PIN. Raises WeakPin with its weakness, and Busy."""
        factor = self.me.ground.factors.get("pin")
        if not isinstance(factor, Pin):
            raise IllegalMove("PINs are not in use")
        typed = typed_digits(chosen, SHORTEST, LONGEST)
        weak = SHORT if typed is None else weakness(typed, await self._birthdate(person))
        if weak:
            raise WeakPin(weak)
        enrolled = await factor.enrol(person.resident.id, chosen, now)
        noted = self.me.noted(person, "factor.enrolled.pin", now, outcome=ENROLLED)
        await self.me.ground.database.submit(enrolled, *noted)

    async def _birthdate(self, person: Person) -> str:
        residents = self.me.ground.residents
        found = await residents.attributes(person.resident.id, ("birthdate",))
        return next((str(attribute.value) for attribute in found), "")

    async def set_totp(self, person: Person, seed: bytes, answer: str, now: int) -> None:
        """Enrol an application that holds ``seed``, as ``answer`` shows. Raises NotProven."""
        factor = self.me.ground.factors.get("totp")
        if not isinstance(factor, Totp):
            raise IllegalMove("authenticator applications are not in use")
        writes = await factor.enrol(person.resident.id, seed, answer, now)
        noted = self.me.noted(person, "factor.enrolled.totp", now, outcome=ENROLLED)
        await self.me.ground.database.submit(*writes, *noted)

    def is_last(self, person: Person, factor: str) -> bool:
        """Return whether ``factor`` is the only way in which the person can still log in."""
        usable = {name for name in self.me.ground.factors if person.resident.may_use(name)}
        return usable == {factor}

    async def lock(self, person: Person, factor: str, now: int) -> Person:
        """Lock a factor: at once nobody can log in with it, the person included."""
        return await self._relock(person, person.resident.locked_factors | {factor}, LOCKED, now)

    async def unlock(self, person: Person, factor: str, now: int) -> Person:
        """Unlock a factor."""
        return await self._relock(person, person.resident.locked_factors - {factor}, UNLOCKED, now)

    async def _relock(
        self, person: Person, factors: frozenset[str], outcome: str, now: int
    ) -> Person:
        ground = self.me.ground
        known = factors & (frozenset(ground.factors) | person.resident.locked_factors)
        noted = self.me.noted(person, f"factor.{outcome}", now, outcome=outcome)
        await ground.database.submit(ground.residents.lock(person.resident.id, known, now), *noted)
        return replace(person, resident=replace(person.resident, locked_factors=known))
