"""The way into a resident's own pages: who reads them, and whose form it is."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Endpoint, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.mounting import Mount
from idp.endpoints.page_refusals import ForgedForm
from idp.flows.me import Me, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A resident on their own pages. ``form`` is empty for a GET."""

    person: Person
    guest: Guest
    form: dict[str, str]
    now: int

    def field(self, name: str) -> str:
        """Return what a field holds, or ""."""
        return self.form.get(name, "")


DONE: Mapping[str, str] = {
    "withdrawn": "You stopped sharing.",
    "ended": "You are signed out there.",
    "others": "You are signed out everywhere else.",
    "locked": "It is locked. Nobody can use it until you unlock it here.",
    "unlocked": "It is unlocked. You can use it again.",
    "pin": "Your new PIN is saved. Use it from now on.",
    "totp": "Your app is set up. You can sign in with its codes from now on.",
    "rejected": "You said no. Nobody was signed in.",
    "user-code": "Your code is saved. Tell it to those who may ask you to sign in.",
    "no-user-code": "Your code is removed. Whoever knows your ID number can ask you to sign in.",
}
"""What is said after an action, by the name that the address carries: originals."""

OwnPage = Callable[[Visitor, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class OwnDoor:
    """Lets a resident in, or sends the browser through a login that leads back here."""

    me: Me
    login: LoginAnswers
    clock: Clock
    origin: str

    def page(self, show: OwnPage, *, recently: bool = False) -> Endpoint:
        """Return the endpoint of a page. ``recently``: only soon after a proof."""

        async def endpoint(call: Call) -> Answer:
            return await self._enter(show, call, {}, recently)

        return self.login.refusals.guarded(endpoint)

    def form(self, act: OwnPage, *, recently: bool = False) -> Endpoint:
        """Return the endpoint of a form, which must carry the session's token (attack A12)."""

        async def endpoint(call: Call) -> Answer:
            return await self._enter(act, call, dict(await call.form()), recently)

        return self.login.refusals.guarded(endpoint)

    async def _enter(
        self, page: OwnPage, call: Call, form: dict[str, str], recently: bool
    ) -> Answer:
        now = self.clock.now()
        guest = self.login.refusals.guests.guest(call)
        person = await self.me.person(guest.visit, now, recently)
        if person is None:
            address = f"{self.origin}{call.path}"
            draft = await self.me.login(guest.visit, address, now, recently)
            return await self.login.onward(draft, guest, call)
        if call.method == "POST":
            token = form.get("csrf", "").encode()
            if not hmac.compare_digest(token, person.session.csrf.encode()):
                raise ForgedForm
        answer = await page(Visitor(person=person, guest=guest, form=form, now=now), call)
        return await self.login.refusals.guests.give(answer, call, guest, None)


def done(path: str, what: str) -> Answer:
    """Lead on to a page of the resident's own that says ``what`` was done: a key of DONE."""
    return redirect(f"{path}?done={what}")


def own_page(
    door: OwnDoor, name: str, visitor: Visitor, call: Call, content: dict[str, Any]
) -> Answer:
    """Answer one of the resident's pages."""
    answers = door.login.answers
    said = DONE.get(dict(call.query()).get("done", "")) if _from_here(call) else None
    usual = {
        "csrf": visitor.person.session.csrf,
        "home": answers.home,
        "back": answers.home,
        "done": visitor.guest.language.t(said) if said else "",
        "logout": f"{Mount.of(door.me.ground.issuer).path}/logout/confirm",
        "fault": "",
        "field": "main",
    }
    return answers.page(name, answers.setting(visitor.guest, call.path), usual | content)


def _from_here(call: Call) -> bool:
    """Return whether a page of ours led here: no other site says what was done."""
    return call.header("sec-fetch-site") in (None, "same-origin")
