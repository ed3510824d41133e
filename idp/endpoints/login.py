"""The pages of a login: say who you are, prove it, agree."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Endpoint, Route, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.mounting import Mount
from idp.endpoints.page_refusals import ForgedForm
from idp.factors.factor import NotProven
from idp.flows.consent import Agreed
from idp.flows.login import LoginFlow
from idp.flows.login_draft import Draft
from idp.pages.consent_items import ticked
from idp.protocol.login import Account, IllegalMove

LONGEST_ID = 256
"""Characters that a person may type to say who they are."""

LONGEST_ANSWER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A form of a login's page, from the browser that was shown it."""

    draft: Draft
    guest: Guest
    form: dict[str, list[str]]
    now: int

    def field(self, name: str) -> str:
        """Return the first value of a field, or ""."""
        return self.form.get(name, [""])[0]


Form = Callable[[Posted, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class LoginPages:
    """``/login/{login_id}`` and the forms of its pages."""

    flow: LoginFlow
    answers: LoginAnswers
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.flow.ground.issuer)
        forms: dict[str, Form] = {
            "identify": self.identify,
            "factor": self.factor,
            "prove": self.prove,
            "account": self.account,
            "consent": self.consent,
            "cancel": self.cancel,
        }
        guarded = self.answers.refusals.guarded
        base = f"{mount.path}/login/{{login_id}}"
        shown = [
            Route(
                path=base,
                endpoints={"GET": guarded(self.show)},
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
        ]
        return shown + [
            Route(
                path=f"{base}/{name}",
                endpoints={"GET": self.back, "POST": guarded(self._received(form))},
                budget="logins",
                page=True,
                origins=(mount.origin,),
            )
            for name, form in forms.items()
        ]

    async def show(self, call: Call) -> Answer:
        """Show the page that is due."""
        now = self.clock.now()
        guest, draft = await self._resumed(call, now)
        if not draft.login.is_over:
            draft = await self.flow.advance(draft, now)
            if draft.reply is not None:
                return await self.answers.onward(draft, guest, call)
        answer = await self.answers.shown(draft, guest, call, now)
        return await self.answers.refusals.guests.give(answer, call, guest, None)

    async def back(self, call: Call) -> Answer:
        """Lead whoever loads a form's address to the page that is due."""
        return redirect(call.path.rpartition("/")[0])

    async def identify(self, posted: Posted, call: Call) -> Answer:
        """A person says who they are."""
        typed = posted.field("individual_id").strip()
        if not typed or len(typed) > LONGEST_ID:
            return self.answers.identify_again(posted.draft, posted.guest, typed[:LONGEST_ID])
        draft = await self.answers.steps.identify(posted.draft, typed, posted.now)
        return await self.answers.onward(draft, posted.guest, call)

    async def factor(self, posted: Posted, call: Call) -> Answer:
        """A person chooses how to prove it, or wants another code."""
        draft = await self.answers.steps.choose(posted.draft, posted.field("factor"), posted.now)
        return await self.answers.onward(draft, posted.guest, call)

    async def prove(self, posted: Posted, call: Call) -> Answer:
        """A person answers. Wrong, locked, unknown and worn out look the same."""
        factor = posted.draft.login.factor
        if factor is None:
            raise IllegalMove("no factor is asked")
        answer = posted.field(self.flow.ground.factors[factor].field)[:LONGEST_ANSWER]
        try:
            draft = await self.answers.steps.prove(posted.draft, answer, posted.now)
        except NotProven:
            fault = posted.guest.language.t("That is not right, or it is too old. Try again.")
            draft = await self.flow.onward(posted.draft, posted.now)
            return await self.answers.shown(draft, posted.guest, call, posted.now, fault)
        return await self.answers.onward(draft, posted.guest, call)

    async def account(self, posted: Posted, call: Call) -> Answer:
        """A person goes on as whom the browser knows, or as somebody else."""
        try:
            account = Account(posted.field("account"))
        except ValueError:
            raise IllegalMove("no such choice") from None
        draft = await self.answers.steps.account(posted.draft, account, posted.now)
        return await self.answers.onward(draft, posted.guest, call)

    async def consent(self, posted: Posted, call: Call) -> Answer:
        """A person agrees."""
        if posted.field("decision") != "accept":
            raise IllegalMove("neither agreed nor refused")
        shown = await self.answers.signing(posted.draft, posted.guest, posted.now)
        if shown is not None and posted.field("page") != shown.seal:
            fault = posted.guest.language.t("This page has changed. Read it again.")
            draft = await self.flow.onward(posted.draft, posted.now)
            return await self.answers.shown(draft, posted.guest, call, posted.now, fault)
        agreed = Agreed(
            ticked=ticked(posted.form.get("claim", ())),
            offline=posted.field("offline") == "yes",
            page=shown.digest if shown is not None else b"",
        )
        draft = await self.answers.consents.accept(posted.draft, agreed, posted.now)
        return await self.answers.onward(draft, posted.guest, call)

    async def cancel(self, posted: Posted, call: Call) -> Answer:
        """A person does not want to go on."""
        draft = await self.flow.cancel(posted.draft, posted.now)
        return await self.answers.onward(draft, posted.guest, call)

    def _received(self, form: Form) -> Endpoint:
        """Return the endpoint of a form; every form can also be left by its cancel button."""

        async def receive(call: Call) -> Answer:
            posted = await self._posted(call)
            if posted.field("decision") == "deny":
                return await self.cancel(posted, call)
            return await form(posted, call)

        return receive

    async def _posted(self, call: Call) -> Posted:
        """Read a form, and make sure of its login, its browser and its token (attack A12)."""
        now = self.clock.now()
        form: dict[str, list[str]] = {}
        for name, value in await call.form():
            form.setdefault(name, []).append(value)
        guest, draft = await self._resumed(call, now)
        token = form.get("csrf", [""])[0].encode()
        if not hmac.compare_digest(token, draft.login.csrf.encode()):
            raise ForgedForm
        return Posted(draft=draft, guest=guest, form=form, now=now)

    async def _resumed(self, call: Call, now: int) -> tuple[Guest, Draft]:
        guests = self.answers.refusals.guests
        guest = guests.guest(call)
        draft = await self.flow.resume(call.captured["login_id"], guest.visit, now)
        return guests.wished(guest, call, draft)
