"""The pages on which a person signs: what it is, going to idp and coming back, what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.runtime.clock import Clock
from config.runtime.pages.answers import Message, Way
from config.runtime.pages.visitors import Visitor
from config.runtime.web import Answer, Call, Endpoint, Route, redirect
from esignet.endpoints.hosted_door import LinkDoor, Shown, base, client_name
from esignet.endpoints.page_door import PageDoor, Show, own_form, page_route
from esignet.endpoints.page_refusals import ForgedForm
from esignet.flows.hosted import Hosted, NoSuchLink
from esignet.flows.hosted_login import CALLBACK, Login
from esignet.flows.hosted_parts import Opened
from esignet.pages.hosted import places, sheet
from esignet.protocol.hosted import went_back
from esignet.protocol.signature_request import IllegalMove, State

ATTEMPT = 43
"""Characters of a ticket, and of the secret of an attempt, in ``state``."""

_AGAIN, _WAITING = 3, 30
"""Seconds after which a page looks again: while it is being signed, while others sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPages:
    """``/sign/...``; ``issuer`` is where people log in, ``origins`` those of this service."""

    hosted: Hosted
    door: PageDoor
    link: LinkDoor
    clock: Clock
    issuer: str
    origins: Sequence[str]

    def routes(self) -> Sequence[Route]:
        """Return the addresses."""
        link = "/sign/{ticket}"
        return [
            self._route(CALLBACK, "GET", self.door.page(self.link.told(self.back))),
            self._route(link, "GET", self.door.page(self.link.leading(self.shown))),
            self._route(f"{link}/open", "POST", self.door.page(self.link.leading(self.link.claim))),
            self._route(f"{link}/start", "POST", self.door.page(self._posted(self.start))),
            self._route(f"{link}/reject", "POST", self.door.page(self._posted(self.reject))),
        ]

    async def shown(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Show what is to be signed, or what has become of it; before that, the way in."""
        state = opened.request.told_state(self.clock.now())
        if not opened.is_claimed and (state is State.SIGNED or not state.is_final):
            return self.link.offer(opened, call, visitor)
        match state:
            case _ if opened.is_mine_signed and (state is State.SIGNED or not state.is_final):
                return self._done(opened, call, visitor)
            case State.OPEN if opened.is_my_turn:
                return await self._review(opened, call, visitor)
            case State.OPEN:
                return self._later(opened, call, visitor, _WAITING)
            case State.SIGNING | State.COMPLETING:
                return self._later(opened, call, visitor, _AGAIN)
            case _:
                return self._over(state, opened, call, visitor)

    async def start(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """Send the browser to idp."""
        state = f"{call.captured['ticket']}.{self.hosted.entropy.token()}"
        login = Login(
            party=opened.party.client_id,
            details=(),
            state=state,
            verifier=_verifier(visitor, state),
            language=visitor.language.tag,
        )
        return redirect(await self.hosted.begun(opened, login, self.clock.now()))

    async def reject(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        """End the request as the person wishes."""
        await self.hosted.rejected(opened, self.clock.now())
        return redirect(base(call))

    async def back(self, call: Call, visitor: Visitor) -> Answer:
        """Take the answer of idp (RFC 6749 §4.1.2, RFC 9207): only from this browser's login.

        What proves that is the verifier, which is made of the browser's secret and the state.
        """
        told = dict(call.query())
        state = told.get("state", "")
        ticket, _, attempt = state.partition(".")
        if visitor.new_secret is not None or len(attempt) != ATTEMPT:
            raise NoSuchLink
        call.captured = {"ticket": ticket}
        opened = await self.link.opened(call, visitor)
        if told.get("iss") != self.issuer or not opened.is_claimed:
            raise ForgedForm
        if "code" not in told:
            return redirect(f"{base(call)}?refused=1")
        await self.hosted.finished(
            opened, told["code"], _verifier(visitor, state), self.clock.now()
        )
        return redirect(base(call))

    async def _review(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        asked = dict(call.query())
        waiting = await self.hosted.waiting(opened, self.clock.now())
        shown = places(len(waiting.documents), asked.get("page", ""))
        some = waiting.documents[shown.start : shown.stop]
        measures = await self.hosted.measured(opened, some, shown.start)
        algorithm = f"SHA-{waiting.request.algorithm.value[3:]}"
        ticket = call.captured["ticket"]
        content = {
            **self._common(opened, call, visitor),
            "host": urlsplit(opened.link.return_to).netloc,
            "signer": opened.signer,
            "sheet": sheet(waiting.documents, measures, shown, algorithm),
            "csrf": visitor.token(f"form:{ticket}"),
            "refused": "refused" in asked,
        }
        return self._page("sign_review", call, visitor, content, (self.issuer,))

    def _done(self, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        request, is_signed = opened.request, opened.request.state is State.SIGNED
        is_kept = is_signed and not request.is_expired(self.clock.now())
        count = opened.count if is_kept else 0
        shown = places(count, dict(call.query()).get("page", ""))
        content = {
            **self._common(opened, call, visitor),
            "count": count,
            "others": not is_signed,
            "first": shown.start + 1,
            "last": shown.stop,
            "before": (shown.start - 1) // len(shown) + 1 if count and shown.start else 0,
            "after": shown.stop // len(shown) + 1 if shown.stop < count else 0,
            "until": visitor.language.moment(request.expires_at),
            "back": went_back(opened.link.return_to, request.id, "signed"),
        }
        return self._page("sign_done", call, visitor, content)

    def _later(self, opened: Opened, call: Call, visitor: Visitor, seconds: int) -> Answer:
        t = visitor.language.t
        if seconds == _AGAIN:
            heading, line = t("Your signature is being made"), t("You can leave this page open.")
        else:
            heading = t("It is not your turn yet")
            line = t("Somebody else signs before you. Come back with the same link.")
        content = {
            **self._common(opened, call, visitor),
            "heading": heading,
            "line": line,
            "seconds": seconds,
        }
        return self._page("sign_progress", call, visitor, content)

    def _over(self, state: State, opened: Opened, call: Call, visitor: Visitor) -> Answer:
        t, client = visitor.language.t, client_name(opened.party, opened.link.return_to, visitor)
        heading, lines = {
            State.REJECTED: (
                t("This was not signed"),
                (t("You, or somebody else who was asked, did not want to sign."),),
            ),
            State.CANCELLED: (
                t("{client} gave this up", client=client),
                (t("There is nothing more to sign."),),
            ),
            State.FAILED: (
                t("This could not be signed"),
                (t("It is not your fault. Ask {client} to send it again.", client=client),),
            ),
        }.get(
            state,
            (t("This took too long"), (t("Ask {client} to send it again.", client=client),)),
        )
        back = went_back(opened.link.return_to, opened.request.id, state.value)
        message = Message(
            heading=heading,
            lines=lines,
            ways_on=(Way(back, t("Go back to {client}", client=client)),),
            status=200 if state is State.REJECTED else 410,
        )
        return self.door.answers.message(message, visitor, call)

    def _common(self, opened: Opened, call: Call, visitor: Visitor) -> dict[str, object]:
        return {
            "base": base(call),
            "client": client_name(opened.party, opened.link.return_to, visitor),
            "seal": visitor.token(f"see:{call.captured['ticket']}"),
        }

    def _page(
        self,
        name: str,
        call: Call,
        visitor: Visitor,
        content: dict[str, object],
        targets: Sequence[str] = (),
    ) -> Answer:
        setting = self.door.answers.setting(visitor, base(call))
        return self.door.answers.page(name, setting, content, targets)

    def _posted(self, act: Shown) -> Show:
        """Act on a form of ours (attack A12); where the request moved on, show what it is now."""

        async def posted(opened: Opened, call: Call, visitor: Visitor) -> Answer:
            await own_form(call, visitor, f"form:{call.captured['ticket']}")
            try:
                return await act(opened, call, visitor)
            except IllegalMove:
                return redirect(base(call))

        return self.link.claimed(posted)

    def _route(self, path: str, method: str, endpoint: Endpoint) -> Route:
        cross_site = path == CALLBACK
        return page_route(path, method, endpoint, self.origins, cross_site=cross_site)


def _verifier(visitor: Visitor, state: str) -> str:
    """Return what only this browser can bring for this attempt (RFC 7636 §4.1): kept nowhere."""
    return visitor.token(f"login:{state}")
