"""The way to every page of the signing service: who reads it, and what is said when it fails."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from config.runtime.pages.answers import Message, PageAnswers, Way
from config.runtime.pages.explanations import FAILURES, Explanation, Onward
from config.runtime.pages.visitors import Visitor, Visitors
from config.runtime.web import Answer, Call, Endpoint, Failure, Route
from esignet.endpoints.page_refusals import REFUSALS, ForgedForm, NoCookie
from esignet.flows.own_list import PATH

BROWSER = "symbolon-signing"
"""The name of the browser's secret cookie: another one than idp's, for hosts may be shared."""

HOME = "/validate"
"""Where a visitor begins who knows no other address: anybody may check a signature."""

Show = Callable[[Call, Visitor], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDoor:
    """Lets visitors in, and tells them what went wrong (``REFUSALS``)."""

    answers: PageAnswers
    visitors: Visitors

    def page(self, show: Show) -> Endpoint:
        """Return the endpoint of a page, with a page for everything that is known to go wrong."""

        async def endpoint(call: Call) -> Answer:
            visitor = self.visitors.visitor(call)
            try:
                answer = await show(call, visitor)
            except tuple(REFUSALS) as refusal:
                kind = next(kind for kind in type(refusal).__mro__ if kind in REFUSALS)
                answer = self.told(REFUSALS[kind], visitor, call)
            return self.visitors.give(answer, call, visitor)

        return endpoint

    def told(self, explanation: Explanation, visitor: Visitor, call: Call) -> Answer:
        """Answer what happened, what to do, and the way on."""
        t = visitor.language.t
        onward = Onward.AGAIN if call.path == HOME else explanation.onward
        path = _path(onward, call)
        message = Message(
            heading=t(explanation.heading),
            lines=tuple(t(line) for line in explanation.lines),
            ways_on=(Way(path, t(onward.value)),) if path else (),
            status=explanation.status,
            reference=call.request_id if explanation.refers else "",
        )
        answers = replace(self.answers, home=_link(call) or self.answers.home)
        answer = answers.message(message, visitor, call)
        if explanation.status == 503:
            answer.headers.append((b"retry-after", b"2"))
        return answer

    def failure_page(self, failure: Failure, call: Call) -> Answer:
        """Answer what no endpoint could (``House.failure_page``)."""
        explanation = FAILURES.get(failure.status, FAILURES[500])
        said = replace(explanation, status=failure.status, refers=True)
        return self.told(said, self.visitors.visitor(call), call)


async def own_form(call: Call, visitor: Visitor, purpose: str) -> dict[str, str]:
    """Return a form that a page of ours showed to this browser (attack A12).

    Raises ForgedForm, and NoCookie for a browser that keeps none.
    """
    form = dict(await call.form())
    if visitor.brought(form.get("csrf", ""), purpose):
        return form
    raise ForgedForm if visitor.new_secret is None else NoCookie


def page_route(
    path: str, method: str, endpoint: Endpoint, origins: Sequence[str], *, cross_site: bool = False
) -> Route:
    """Return the route of a page; ``cross_site`` if other sites may lead a browser there."""
    return Route(
        path=path,
        endpoints={method: endpoint},
        budget="logins",
        page=True,
        cross_site=cross_site,
        origins=origins,
    )


def _link(call: Call) -> str:
    """Return the page of the link that the call is about, "" for none."""
    ticket = call.captured.get("ticket")
    return f"/sign/{ticket}" if ticket else ""


def _path(onward: Onward, call: Call) -> str:
    """Return where the way on leads; "" where only whoever sent the person here knows it."""
    if call.path == HOME:
        return HOME
    if f"{call.path}/".startswith(f"{PATH}/"):
        return PATH
    if onward is Onward.AGAIN and call.method == "GET" and not call.path.endswith("/callback"):
        return call.path
    return _link(call) if onward is not Onward.HOME else ""
