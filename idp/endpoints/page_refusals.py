"""What people are told when a page cannot be shown: what happened, what to do, a way on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.pages.answers import Message, PageAnswers, Way
from config.runtime.pages.explanations import AWAY, FAILURES, FORGED, Explanation, Onward
from config.runtime.web import Answer, Call, Endpoint, Failure
from idp.endpoints.guests import Guest, Guests
from idp.factors.factor import Busy
from idp.flows.approvals import RequestOver
from idp.flows.device_approval import UsedCode
from idp.flows.login import ExpiredLogin, UnknownLogin
from idp.flows.login_draft import Draft
from idp.flows.login_pace import TooManyLogins
from idp.protocol.errors import InvalidRequestUri, OAuthError
from idp.protocol.login import IllegalMove
from idp.protocol.own_pages import is_own
from keystore.door import KeyServiceUnavailable


class ForgedForm(Exception):
    """The form does not come from a page of ours that this browser was shown."""


@dataclass(frozen=True, slots=True)
class PageRefusals:
    """Turns exceptions of page endpoints into pages.

    ``explains`` tells developers the exact reason, too: in the demonstration only.
    """

    guests: Guests
    answers: PageAnswers
    explains: bool = False

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Return ``endpoint`` with a page for everything that is known to go wrong."""

        async def answer(call: Call) -> Answer:
            try:
                return await endpoint(call)
            except tuple(REFUSALS) as refusal:
                return await self._explained(refusal, call)

        return answer

    def failure_page(self, failure: Failure, call: Call) -> Answer:
        """Answer what no endpoint could (``House.failure_page``)."""
        guest = self.guests.guest(call)
        explanation = FAILED.get(failure.status, FAILED[500])
        message = replace(
            self._message(explanation, guest, call),
            status=failure.status,
            reference=call.request_id,
            reason=f"{failure.code}: {failure.description}" if self.explains else "",
        )
        return self.answers.message(message, guest, call)

    async def _explained(self, refusal: Exception, call: Call) -> Answer:
        guest = self.guests.guest(call)
        kind = next(kind for kind in type(refusal).__mro__ if kind in REFUSALS)
        message = self._message(REFUSALS[kind], guest, call)
        if isinstance(refusal, ExpiredLogin):
            message = replace(message, ways_on=back_to_client(refusal.draft, guest, self.answers))
        if isinstance(refusal, OAuthError) and self.explains:
            message = replace(message, reason=f"{refusal.code}: {refusal.description}")
        answer = self.answers.message(message, guest, call)
        if isinstance(refusal, TooManyLogins):
            answer.headers.append((b"retry-after", str(refusal.retry_after).encode()))
        elif message.status == 503:
            answer.headers.append((b"retry-after", b"2"))
        known = replace(guest, visitor=replace(guest.visitor, new_secret=None))
        return await self.guests.give(answer, call, known, None)

    def _message(self, explanation: Explanation, guest: Guest, call: Call) -> Message:
        t = guest.language.t
        way = Way(self._address(explanation.onward, call), t(explanation.onward.value or HOME))
        return Message(
            heading=t(explanation.heading),
            lines=tuple(t(line) for line in explanation.lines),
            ways_on=(way,),
            status=explanation.status,
            reference=call.request_id if explanation.refers else "",
        )

    def _address(self, onward: Onward, call: Call) -> str:
        in_login = bool(call.captured.get("login_id"))
        if onward is Onward.HERE and in_login:
            return call.path.rpartition("/")[0]
        if onward is Onward.AGAIN:
            posted = in_login and call.method == "POST"
            return call.path.rpartition("/")[0] if posted else call.path
        return self.answers.home


def back_to_client(draft: Draft, guest: Guest, answers: PageAnswers) -> tuple[Way, ...]:
    """Return the way to the client's front door; to the resident's own page where it has none."""
    t = guest.language.t
    parts = urlsplit(draft.login.request.reply_to.uri)
    own = Way(answers.home, t("Go to your own page"))
    if draft.login.request.decoupled is not None:  # the client is on another device
        return (own,)
    if is_own(draft.client.client_id) or parts.scheme not in ("http", "https"):
        return (own,)
    name = draft.client.name((guest.language.tag,))
    return (Way(f"{parts.scheme}://{parts.netloc}/", t("Go back to {client}", client=name)), own)


_CROWDED = Explanation(
    heading="Many people are signing in from your network",
    lines=("Please wait a little and try again.",),
    status=429,
)
_NOT_OPEN = Explanation(
    heading="This login is not open here",
    lines=(
        "It may have ended, or it was begun in another browser.",
        "Go back to the website or app that you came from, and start again there.",
    ),
    status=404,
)

REFUSALS: Mapping[type[Exception], Explanation] = {
    UnknownLogin: _NOT_OPEN,
    InvalidRequestUri: replace(_NOT_OPEN, status=400, refers=True),  # used, or opened too late
    ExpiredLogin: Explanation(
        heading="This login took too long",
        lines=(
            "For your safety a login ends after a while. Nothing was shared.",
            "Go back and start again.",
        ),
        status=410,
    ),
    IllegalMove: Explanation(
        heading="This step was done already",
        lines=("Perhaps you used the back button, or the page was open twice.",),
        status=409,
        onward=Onward.HERE,
    ),
    RequestOver: Explanation(
        heading="This request is over",
        lines=(
            "It was answered already, or it took too long.",
            "Go back to the website or app that you came from, and start again there.",
        ),
        status=410,
    ),
    ForgedForm: FORGED,
    OAuthError: Explanation(
        heading="The website or app that sent you here made a mistake",
        lines=(
            "We cannot send you back, because we are not sure who asks.",
            "Go back to the website or app that you came from, and tell its support.",
        ),
        status=400,
        refers=True,
    ),
    UsedCode: Explanation(
        heading="This code was used already",
        lines=(
            "If it was not you who used it, look at what you share, and sign out where you do not "
            "know the device.",
        ),
        status=410,
    ),
    TooManyLogins: _CROWDED,
    DatabaseUnavailable: AWAY,
    KeyServiceUnavailable: AWAY,
    Busy: AWAY,
}
"""What an endpoint refused, by the class of its exception or of one of its ancestors."""

FAILED: Mapping[int, Explanation] = {**FAILURES, 429: _CROWDED}
"""What no endpoint answered, by its status."""

HOME = "Go to your own page"
"""What stands on the way home."""
