"""Where people approve backchannel requests: on their own page, and behind a link."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from config.runtime.pages.answers import Message, Way
from config.runtime.web import Answer, Call, Route, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.mounting import Mount
from idp.endpoints.own_forms import OwnDoor, Visitor, done, own_page
from idp.flows.approvals import Approvals, RequestOver, Waiting, WrongNumber
from idp.protocol.login import IllegalMove

LONGEST_NUMBER = 16
"""Characters of a typed number that are read."""


@dataclass(frozen=True, slots=True)
class ApprovalPages:
    """``/me/approvals`` for who is signed in, ``/approvals/{secret}`` for who got a link."""

    door: OwnDoor
    approvals: Approvals

    @property
    def login(self) -> LoginAnswers:
        """Return what shows logins."""
        return self.door.login

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.door.me.ground.issuer)
        guarded = self.login.refusals.guarded
        pages = {
            "/me/approvals": {
                "GET": self.door.page(self.mine),
                "POST": self.door.form(self.decide_mine),
            },
            "/approvals/done": {"GET": guarded(self.done)},
            "/approvals/{secret}": {
                "GET": guarded(self.linked),
                "POST": guarded(self.decide_linked),
            },
        }
        return [
            Route(
                path=f"{mount.path}{path}",
                endpoints=endpoints,
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
            for path, endpoints in pages.items()
        ]

    async def mine(self, visitor: Visitor, call: Call) -> Answer:
        """Show what waits for the person."""
        return await self._mine(visitor, call, "", "")

    async def decide_mine(self, visitor: Visitor, call: Call) -> Answer:
        """Approve one request, or say no."""
        asked, wish = visitor.field("request"), visitor.field("decision")
        found = await self.approvals.of(visitor.person.resident.id, visitor.now)
        waiting = next((one for one in found if _name(one) == asked), None)
        if waiting is None:
            raise RequestOver("no such request waits")
        if wish == "reject":
            await self.approvals.reject(waiting, visitor.now)
            return done(call.path, "rejected")
        if wish != "approve":
            raise IllegalMove("neither approved nor rejected")
        typed, guest = visitor.field("number")[:LONGEST_NUMBER], visitor.guest
        try:
            draft = await self.approvals.approve(waiting, typed, guest.visit, visitor.now)
        except WrongNumber:
            return await self._mine(visitor, call, asked, _wrong(guest))
        return await self.login.onward(draft, guest, call)

    async def linked(self, call: Call) -> Answer:
        """Show the request that a link leads to."""
        guest, waiting = await self._linked(call)
        return await self._page(waiting, guest, call, "")

    async def decide_linked(self, call: Call) -> Answer:
        """Approve it, or say no. The secret in the address shows that the form is ours."""
        form = dict(await call.form())
        guest, waiting = await self._linked(call)
        now, typed = self.door.clock.now(), form.get("number", "")[:LONGEST_NUMBER]
        match form.get("decision"):
            case "reject":
                await self.approvals.reject(waiting, now)
                return redirect(f"{self._base}/approvals/done?error=access_denied")
            case "approve":
                try:
                    draft = await self.approvals.approve(waiting, typed, guest.visit, now)
                except WrongNumber:
                    return await self._page(waiting, guest, call, _wrong(guest))
                return await self.login.onward(draft, guest, call)
        raise IllegalMove("neither approved nor rejected")

    async def done(self, call: Call) -> Answer:
        """Say what came of it. It is told here alone: the client learns it from us."""
        guest = self.login.refusals.guests.guest(call)
        t = guest.language.t
        match dict(call.query()).get("error"):
            case None:
                heading = t("You approved it")
                line = t("Go on where you began. You can close this page.")
            case "access_denied":
                heading = t("You said no")
                line = t("Nobody was signed in. You can close this page.")
            case _:
                heading = t("It was not approved")
                line = t("Only the person who was asked can approve it, in the way that is asked.")
        ways = (Way(self.login.answers.home, t("Go to your own page")),)
        message = Message(heading=heading, lines=(line,), ways_on=ways, status=200)
        answer = self.login.answers.message(message, guest, call)
        return await self.login.refusals.guests.give(answer, call, guest, None)

    @property
    def _base(self) -> str:
        return Mount.of(self.door.me.ground.issuer).path

    async def _mine(self, visitor: Visitor, call: Call, wrong: str, fault: str) -> Answer:
        found = await self.approvals.of(visitor.person.resident.id, visitor.now)
        content = {
            "rows": [_shown(one, visitor.guest, _name(one)) for one in found],
            "fault": fault,
            "field": f"number-{wrong}",
            "wrong": wrong,
        }
        return own_page(self.door, "me_approvals", visitor, call, content)

    async def _linked(self, call: Call) -> tuple[Guest, Waiting]:
        waiting = await self.approvals.linked(call.captured["secret"], self.door.clock.now())
        return self.login.refusals.guests.guest(call), waiting

    async def _page(self, waiting: Waiting, guest: Guest, call: Call, fault: str) -> Answer:
        content = {
            "row": _shown(waiting, guest, _name(waiting)),
            "action": call.path,
            "csrf": "",
            "fault": fault,
            "field": f"number-{_name(waiting)}",
            "wrong": _name(waiting) if fault else "",
        }
        setting = self.login.answers.setting(guest, call.path)
        answer = self.login.answers.page("approval", setting, content)
        return await self.login.refusals.guests.give(answer, call, guest, None)


def _name(waiting: Waiting) -> str:
    """Return what a form calls the request: it opens nothing."""
    return urlsafe_b64encode(waiting.request.digest).rstrip(b"=").decode()


def _shown(waiting: Waiting, guest: Guest, name: str) -> dict[str, Any]:
    tag, request = guest.language.tag, waiting.request
    return {
        "name": name,
        "client": waiting.client.name((tag,)),
        "purpose": waiting.client.purpose((tag,)),
        "message": request.binding_message,
        "number": request.number != "",
        "at": request.created_at,
        "ends_at": request.expires_at,
    }


def _wrong(guest: Guest) -> str:
    return guest.language.t("That is not the number. Look at it again where you began.")
