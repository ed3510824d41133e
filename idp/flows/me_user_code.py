"""The code that a person tells to those who may ask them to sign in (CIBA Core 1.0 §7.1)."""

from dataclasses import dataclass

from idp.flows.backchannel_people import USER_CODE
from idp.flows.me import Me, Person
from idp.protocol import ciba
from idp.stores.history import ENROLLED


class UnfitCode(ValueError):
    """The code that was chosen is too short or too long."""


@dataclass(frozen=True, slots=True)
class OwnUserCode:
    """Setting and removing it. Whoever calls made sure that the person was proven recently.

    It is sealed like what a factor has enrolled, and proves nothing: no login ever asks for it.
    """

    me: Me

    async def is_set(self, person: Person) -> bool:
        """Return whether the person has a code."""
        return bool(await self.me.ground.residents.secret(person.resident.id, USER_CODE))

    async def set(self, person: Person, typed: str, now: int) -> None:
        """Make what was typed the person's code. Raises UnfitCode."""
        code = ciba.user_code(typed)
        if code is None:
            raise UnfitCode
        await self._keep(person, code, now)

    async def remove(self, person: Person, now: int) -> None:
        """Let everybody ask again."""
        await self._keep(person, "", now)

    async def _keep(self, person: Person, code: str, now: int) -> None:
        ground = self.me.ground
        kept = await ground.residents.enrol(person.resident.id, USER_CODE, code.encode(), now)
        noted = self.me.noted(person, "user_code.changed", now, outcome=ENROLLED)
        await ground.database.submit(kept, *noted)
