"""The error reference: the pages that ``error_uri`` leads to (RFC 6749 §4.1.2.1, §5.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from config.runtime.pages.answers import Message, PageAnswers, Way
from config.runtime.web import Answer, Call, Route, page_answer
from idp.endpoints.guests import Guest, Guests
from idp.endpoints.mounting import Mount
from idp.pages.error_reference import WORDS, Explained, marked

MAX_AGE = 3600
"""Seconds that a browser keeps a page of the reference."""


def explained(routes: Iterable[Route], issuer: str) -> tuple[Route, ...]:
    """Return ``routes`` of the issuer with this address, whose refusals lead to its reference."""
    return tuple(replace(route, errors_at=f"{issuer}/errors") for route in routes)


@dataclass(frozen=True, slots=True)
class ErrorPages:
    """``GET /errors`` and ``GET /errors/{code}`` of one issuer."""

    issuer: str
    reference: Mapping[str, Explained]
    answers: PageAnswers
    guests: Guests

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.issuer)
        pages = {"": self.index, "/{code}": self.code}
        return [
            Route(
                path=f"{mount.path}/errors{path}",
                endpoints={"GET": endpoint},
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
            for path, endpoint in pages.items()
        ]

    async def index(self, call: Call) -> Answer:
        """Show every code."""
        return await self._shown("errors", call, codes=self.reference)

    async def code(self, call: Call) -> Answer:
        """Explain one code."""
        code = call.captured["code"]
        if code in self.reference:
            return await self._shown("error", call, code=code, one=self.reference[code])
        guest = self.guests.guest(call)
        t = guest.language.t
        message = Message(
            heading=t("There is no such page"),
            lines=(t("Check the address."),),
            ways_on=(Way(self._base, t("Error codes")),),
            status=404,
        )
        return await self._given(self.answers.message(message, guest, call), call, guest)

    @property
    def _base(self) -> str:
        return f"{Mount.of(self.issuer).path}/errors"

    async def _shown(self, name: str, call: Call, **content: object) -> Answer:
        guest = self.guests.guest(call)
        html = self.answers.pages.render(
            name,
            self.answers.setting(guest, call.path),
            base=self._base,
            marked=marked,
            words=WORDS,
            **content,
        )
        # The language that was chosen in the address is a cookie: such an answer is not kept.
        answer = page_answer(html, max_age=0 if guest.visitor.chosen else MAX_AGE)
        return await self._given(answer, call, guest)

    async def _given(self, answer: Answer, call: Call, guest: Guest) -> Answer:
        # Nothing is bound to this browser here: a secret of its own is not given to it.
        known = replace(guest, visitor=replace(guest.visitor, new_secret=None))
        return await self.guests.give(answer, call, known, None)
