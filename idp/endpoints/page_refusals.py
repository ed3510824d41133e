"""What people are told when a page cannot be shown: what happened, what to do, a way on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.web import Answer, Call, Endpoint, Failure
from idp.endpoints.guests import Guest, Guests
from idp.endpoints.page_answers import Message, PageAnswers, Way
from idp.factors.factor import Busy
from idp.flows.login import ExpiredLogin, UnknownLogin
from idp.flows.login_draft import Draft
from idp.flows.login_pace import TooManyLogins
from idp.protocol.errors import OAuthError
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
            except tuple(_EXPLAINED) as refusal:
                return await self._explained(refusal, call)

        return answer

    def failure_page(self, failure: Failure, call: Call) -> Answer:
        """Answer what no endpoint could (``House.failure_page``)."""
        guest = self.guests.guest(call)
        t = guest.language.t
        heading, line = FAILURES.get(failure.status, FAILURES[500])
        message = Message(
            heading=t(heading),
            lines=(t(line),),
            ways_on=(Way(self.answers.home, t("Go to your own page")),),
            status=failure.status,
            reference=call.request_id,
            reason=f"{failure.code}: {failure.description}" if self.explains else "",
        )
        return self.answers.message(message, guest, call)

    async def _explained(self, refusal: Exception, call: Call) -> Answer:
        guest = self.guests.guest(call)
        if isinstance(refusal, ExpiredLogin):
            message = self.expired(refusal.draft, guest)
        else:
            kind = next(kind for kind in type(refusal).__mro__ if kind in _EXPLAINED)
            message = _EXPLAINED[kind](self.answers, guest, call)
        if isinstance(refusal, OAuthError) and self.explains:
            message = replace(message, reason=f"{refusal.code}: {refusal.description}")
        answer = self.answers.message(message, guest, call)
        if isinstance(refusal, TooManyLogins):
            answer.headers.append((b"retry-after", str(refusal.retry_after).encode()))
        elif message.status == 503:
            answer.headers.append((b"retry-after", b"2"))
        return await self.guests.give(answer, call, replace(guest, new_secret=None), None)

    def expired(self, draft: Draft, guest: Guest) -> Message:
        """Return what is said about a login that took too long."""
        t = guest.language.t
        return Message(
            heading=t("This login took too long"),
            lines=(
                t("For your safety a login ends after a while. Nothing was shared."),
                t("Go back and start again."),
            ),
            ways_on=back_to_client(draft, guest, self.answers),
            status=410,
        )


def back_to_client(draft: Draft, guest: Guest, answers: PageAnswers) -> tuple[Way, ...]:
    """Return the way to the client's front door; to the resident's own page where it has none."""
    t = guest.language.t
    parts = urlsplit(draft.login.request.reply_to.uri)
    own = Way(answers.home, t("Go to your own page"))
    if is_own(draft.client.client_id) or parts.scheme not in ("http", "https"):
        return (own,)
    name = draft.client.name((guest.language.tag,))
    return (Way(f"{parts.scheme}://{parts.netloc}/", t("Go back to {client}", client=name)), own)


def _unknown(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    return Message(
        heading=t("This login is not open here"),
        lines=(
            t("It may have ended, or it was begun in another browser."),
            t("Go back to the website or app that you came from, and start again there."),
        ),
        ways_on=(Way(answers.home, t("Go to your own page")),),
        status=404,
    )


def _stale(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    here = call.path.rpartition("/")[0] if call.captured.get("login_id") else answers.home
    return Message(
        heading=t("This step was done already"),
        lines=(t("Perhaps you used the back button, or the page was open twice."),),
        ways_on=(Way(here, t("Go on from where you are")),),
        status=409,
    )


def _forged(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    here = call.path.rpartition("/")[0] if call.captured.get("login_id") else answers.home
    return Message(
        heading=t("We could not accept this form"),
        lines=(t("It did not come from this page. Nothing was changed."),),
        ways_on=(Way(here, t("Go on from where you are")),),
        status=403,
    )


def _refused(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    return Message(
        heading=t("The website or app that sent you here made a mistake"),
        lines=(
            t("We cannot send you back, because we are not sure who asks."),
            t("Go back to the website or app that you came from, and tell its support."),
        ),
        ways_on=(Way(answers.home, t("Go to your own page")),),
        reference=call.request_id,
    )


def _crowded(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    return Message(
        heading=t("Many people are signing in from your network"),
        lines=(t("Please wait a little and try again."),),
        ways_on=(Way(answers.home, t("Go to your own page")),),
        status=429,
    )


def _away(answers: PageAnswers, guest: Guest, call: Call) -> Message:
    t = guest.language.t
    here = call.path
    if call.captured.get("login_id") and call.method == "POST":
        here = call.path.rpartition("/")[0]
    return Message(
        heading=t("This does not work at the moment"),
        lines=(t("Please wait a little and try again. Nothing was lost."),),
        ways_on=(Way(here, t("Try again")),),
        status=503,
        reference=call.request_id,
    )


_EXPLAINED: dict[type[Exception], Callable[[PageAnswers, Guest, Call], Message]] = {
    UnknownLogin: _unknown,
    ExpiredLogin: _unknown,
    IllegalMove: _stale,
    ForgedForm: _forged,
    OAuthError: _refused,
    TooManyLogins: _crowded,
    DatabaseUnavailable: _away,
    KeyServiceUnavailable: _away,
    Busy: _away,
}

FAILURES: Mapping[int, tuple[str, str]] = {
    400: ("We could not read that", "The address or the form is not complete."),
    403: ("We could not accept this form", "It did not come from this page. Nothing was changed."),
    404: ("There is no such page", "Check the address."),
    405: (
        "This page cannot be opened like that",
        "Go back to the page that you came from, and use its buttons.",
    ),
    413: ("That was too much at once", "What was sent is too long. Go back and make it shorter."),
    414: ("That was too much at once", "What was sent is too long. Go back and make it shorter."),
    421: ("There is no such page", "Check the address."),
    429: ("Many people are signing in from your network", "Please wait a little and try again."),
    503: ("This does not work at the moment", "Please wait a little and try again."),
    500: ("Something went wrong on our side", "Please try again later."),
}
