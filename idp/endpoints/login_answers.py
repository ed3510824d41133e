"""What a login answers: the page of the step that is due, or the way to the client."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from config.runtime.pages.answers import Message, PageAnswers
from config.runtime.web import Answer, Call, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.hints import kept_hint
from idp.endpoints.mounting import Mount
from idp.endpoints.page_answers import address_of, replied
from idp.endpoints.page_refusals import PageRefusals, back_to_client
from idp.flows.consent import ConsentStep
from idp.flows.login_draft import Draft
from idp.flows.login_factors import FactorSteps
from idp.pages.consent_items import details, items
from idp.pages.signing_page import Asker, SigningPage, signing_page
from idp.protocol.client import Client
from idp.protocol.consent import Question
from idp.protocol.native_sso import DEVICE_SSO
from idp.protocol.next_step import Step
from idp.protocol.own_pages import is_own
from idp.protocol.signing import HISTORY, SERVICE, TYPES, asked_signature


@dataclass(frozen=True, slots=True)
class LoginAnswers:
    """Shows logins. ``digits`` is how long a one-time code is."""

    steps: FactorSteps
    consents: ConsentStep
    answers: PageAnswers
    refusals: PageRefusals
    digits: int

    def base(self, draft: Draft) -> str:
        """Return the address of the login's pages."""
        return f"{Mount.of(draft.login.issuer).path}/login/{draft.login.id}"

    async def onward(self, draft: Draft, guest: Guest, call: Call) -> Answer:
        """Send the browser to the page that is due, or to the client with its answer."""
        if draft.reply is not None:
            answer = replied(self.answers, draft.reply, guest, self._client(draft, guest))
        else:
            answer = redirect(self.base(draft))
        return await self.refusals.guests.give(answer, call, guest, draft)

    async def shown(
        self, draft: Draft, guest: Guest, call: Call, now: int, fault: str = ""
    ) -> Answer:
        """Answer the page of the step that is due. ``fault`` is what was wrong before."""
        content = self._content(draft, guest) | {"fault": fault}
        match draft.step:
            case Step.IDENTIFY:
                content |= {"field": "individual_id", "typed": kept_hint(call, draft.login.id)}
                name = "identify"
            case Step.PROVE:
                name, more = await self._factor(draft, guest, now)
                content |= more
            case Step.SELECT_ACCOUNT:
                name, content["person"] = "account", await self.steps.person(draft)
            case Step.CONSENT:
                name, question = "consent", await self.consents.question(draft, now)
                content |= items(question)
                if page := self._signing(draft, guest, question):
                    name, content["signing"] = "sign", page
                    content["sheet"] = page.sheet(_sheet(call))
                content["details"] = details(
                    [one for one in draft.login.request.details if one["type"] not in TYPES],
                    self.consents.flow.ground.detail_types,
                    guest.language.t,
                )
                content["purpose"] = draft.client.purpose((guest.language.tag,))
            case _:
                return self.answers.message(self.over(draft, guest), guest, call)
        return self._page(name, draft, guest, content)

    async def signing(self, draft: Draft, guest: Guest, now: int) -> SigningPage | None:
        """Return what the page shows that is due, where signatures are asked for, else None."""
        if asked_signature(draft.login.request.details) is None:
            return None
        return self._signing(draft, guest, await self.consents.question(draft, now))

    def _signing(self, draft: Draft, guest: Guest, question: Question) -> SigningPage | None:
        request = draft.login.request
        detail = asked_signature(request.details)
        if detail is None:
            return None
        asker = Asker(
            client=self._client(draft, guest),
            host="" if request.decoupled is not None else _host(draft.client, request.reply_to.uri),
            purpose=draft.client.purpose((guest.language.tag,)),
        )
        return signing_page(detail, asker, question, guest.language)

    def identify_again(self, draft: Draft, guest: Guest, typed: str) -> Answer:
        """Answer the first page once more: nothing was typed, or too much."""
        content = self._content(draft, guest) | {
            "fault": guest.language.t("Enter your ID number"),
            "field": "individual_id",
            "typed": typed,
        }
        return self._page("identify", draft, guest, content)

    def over(self, draft: Draft, guest: Guest) -> Message:
        """Return what is said about a login to which nothing can happen any more."""
        t = guest.language.t
        return Message(
            heading=t("This login is finished"),
            lines=(t("There is nothing more to do here. You can close this page."),),
            ways_on=back_to_client(draft, guest, self.answers),
            status=410,
        )

    def _page(self, name: str, draft: Draft, guest: Guest, content: dict[str, Any]) -> Answer:
        setting = self.answers.setting(guest, self.base(draft))
        return self.answers.page(name, setting, content, (draft.login.request.reply_to.uri,))

    async def _factor(self, draft: Draft, guest: Guest, now: int) -> tuple[str, dict[str, Any]]:
        t = guest.language.t
        choices = await self.steps.choices(draft, now)
        ways = {
            "otp": t("Get a code by phone or e-mail"),
            "pin": t("Use your PIN"),
            "totp": t("Use your authenticator app"),
        }
        asked = draft.login.factor
        others = [name for name in choices if name != asked]
        content: dict[str, Any] = {"ways": ways, "others": others, "field": asked}
        if asked is None:
            return "choose", content
        offer = await self.steps.view(draft, now)
        wait = max(0, offer.resend_at - now) if offer.resend_at is not None else 0
        return asked, content | {"offer": offer, "wait": wait, "digits": self.digits}

    def _content(self, draft: Draft, guest: Guest) -> dict[str, Any]:
        request = draft.login.request
        return {
            "base": self.base(draft),
            "csrf": draft.login.csrf,
            "client": self._client(draft, guest),
            "host": _host(draft.client, request.reply_to.uri),
            "elsewhere": request.decoupled is not None,
            "shares": DEVICE_SSO in request.scope,
            "keys": SERVICE in request.scope,
            "signed": HISTORY in request.scope,
            "enrolment": self._enrolment(draft) if "create" in request.prompt else "",
        }

    def _enrolment(self, draft: Draft) -> str:
        """Return where an ID is to be had, with the way back to this login."""
        address = self.consents.flow.ground.features.enrolment_url
        back = urlencode({"return_to": Mount.of(draft.login.issuer).origin + self.base(draft)})
        return f"{address}{'&' if '?' in address else '?'}{back}"

    def _client(self, draft: Draft, guest: Guest) -> str:
        return "" if is_own(draft.client.client_id) else draft.client.name((guest.language.tag,))


def _sheet(call: Call) -> str:
    """Return the number of the sheet of documents that is asked for."""
    asked = dict(call.query()) if call.method == "GET" else {}
    return asked.get("page", "")


def _host(client: Client, uri: str) -> str:
    """Return who asks: the host of a client that nobody registered, else where one goes on."""
    return client.sector if client.self_described else address_of(uri)
