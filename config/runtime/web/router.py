"""Routes, and the ASGI application that answers them: `Route` and `Web`."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from config.runtime.clock import Clock
from config.runtime.entropy import Entropy
from config.runtime.logs import REQUEST_ID
from config.runtime.malformed import Malformed
from config.runtime.tally import RequestTally
from config.runtime.web.addresses import NO_PROXIES, TrustedProxies
from config.runtime.web.answer import Answer, Headers, Streamed
from config.runtime.web.arriving import Arrivals, Disconnected, Receive
from config.runtime.web.budget import Budget, Overloaded, Place
from config.runtime.web.call import WHOLE, Call, Scope, Send
from config.runtime.web.failures import (
    Failure,
    FailurePage,
    Refusals,
    failure_json,
    plain_failure_page,
)
from config.runtime.web.sites import Entry, Misdirected, Route, Site, sites
from config.runtime.web.wire import RequestIds, compressed, decorated, gzip_wanted

Application = Callable[[Scope, Receive, Send], Any]

_log = logging.getLogger("symbolon.web")

_UNKNOWN = Failure(status=404, code="not_found", description="There is nothing at this address.")
_UNEXPECTED = Failure(
    status=500, code="server_error", description="Something went wrong on our side."
)
_OVERLOADED = Failure(
    status=503, code="temporarily_unavailable", description="Too many requests at the moment."
)
_UNREAD = frozenset((408, 413))
"""Answers to a body that was not read to its end: another request cannot follow it."""

_FOREIGN = Failure(
    status=403, code="access_denied", description="The form was sent from another site."
)


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every request meets. ``origins`` are the only ones that are answered
    (``https://id.example``); ``budgets`` holds one `Budget` for each name that a route uses;
    ``refusals`` says how known exceptions are answered, looked up along the class's ancestors;
    ``failure_page`` draws what people see when nothing else does; ``lifespan`` opens and closes
    what the endpoints stand on; ``proxies`` are those whose word on certificates is believed;
    ``arrivals`` is how much of long bodies comes at once.
    """

    origins: Sequence[str]
    clock: Clock
    entropy: Entropy
    budgets: Mapping[str, Budget]
    refusals: Refusals = field(default_factory=dict)
    failure_page: FailurePage = plain_failure_page
    tally: RequestTally = field(default_factory=RequestTally)
    proxies: TrustedProxies = NO_PROXIES
    arrivals: Arrivals = field(default_factory=Arrivals)
    lifespan: Callable[[], AbstractAsyncContextManager[None]] = _nothing


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: the headers are complete and hold nothing that a header must not. ``last``
    says that the connection ends with it, as a header says too.
    """

    status: int
    headers: Headers
    body: bytes
    last: bool
    streamed: Streamed | None = None


class Nobody(Enum):
    """Why there is no reply: the client is not there any more, or no route of ours was asked."""

    THERE = 1
    OURS = 2


class Web:
    """The ASGI application. ``fallback`` gets what no route knows, such as Starlette's mounts."""

    def __init__(
        self, routes: Sequence[Route], house: House, fallback: Application | None = None
    ) -> None:
        self.routes = tuple(routes)
        self.draining = False
        self._house = house
        self.fallback = fallback
        self._ids = RequestIds(house.entropy)
        self._sites = sites(routes, house.origins, house.budgets)

    def drain(self) -> None:
        """Go on answering, but ask every client to come back on another connection."""
        self.draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] == "http":
            reply = await self.reply(scope, receive)
            if isinstance(reply, Reply):
                start = {"status": reply.status, "headers": reply.headers}
                await send({"type": "http.response.start", **start})
                if reply.streamed is not None:
                    async for piece in reply.streamed.pieces:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": reply.body})
            elif reply is Nobody.OURS and self.fallback is not None:
                await self.fallback(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(self._house.lifespan, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def reply(self, scope: Scope, receive: Receive) -> "Reply | Nobody":
        """Return what to answer; or that the client is gone, or the request is the fallback's."""
        started = self._house.clock.elapsed()
        call = Call(scope, receive)
        call.request_id = self._ids.next()
        REQUEST_ID.set(call.request_id)
        site: Site | None = None
        entry: Entry | None = None
        try:
            site = self._site(call)
            entry = site.find(call)
            if entry is not None:
                answer = await self._answered(entry, call)
            elif self.fallback is not None:
                return Nobody.OURS
            else:
                answer = self._failed(_UNKNOWN, call, None)
        except Disconnected:
            return Nobody.THERE
        except Exception as refusal:
            answer = self._refused(refusal, call, entry)
        if answer.compressible and gzip_wanted(call):
            answer = compressed(answer, self._house.entropy)
        headers = decorated(answer, call, site, entry)
        last = self.draining or answer.status in _UNREAD or _is_unread(entry, call)
        if last:
            headers.append((b"connection", b"close"))
        taken = self._house.clock.elapsed() - started
        self._house.tally.count(entry.path if entry else "", answer.status, taken)
        if call.method == "HEAD":
            return Reply(answer.status, headers, b"", last)
        return Reply(answer.status, headers, answer.body, last, answer.streamed)

    def _site(self, call: Call) -> Site:
        host = call.header("host")
        if host is None:
            raise Malformed("the header host is missing")
        site = self._sites.get(host) or self._sites.get(host.lower())
        if site is None:
            raise Misdirected
        call.origin = site.origin
        call.proxies = self._house.proxies
        call.arrivals = self._house.arrivals
        return site

    async def _answered(self, entry: Entry, call: Call) -> Answer:
        call.errors_at = entry.errors_at
        endpoint = entry.endpoints.get(call.method)
        if endpoint is None:
            return self._other_method(entry, call)
        if entry.same_site and call.method == "POST" and _foreign(call):
            return self._failed(_FOREIGN, call, entry)
        if WHOLE not in call.scope and call.method == "POST" and not entry.streamed:
            await call.arrived()  # a place is for work: who sends slowly waits outside (A47)
        call.place = place = Place(entry.budget)
        await place.take()
        try:
            return await endpoint(call)
        finally:
            place.leave()

    def _other_method(self, entry: Entry, call: Call) -> Answer:
        if call.method == "OPTIONS" and entry.preflight is not None:
            return Answer(204, list(entry.preflight))
        failure = Failure(
            status=405, code="invalid_request", description="This method is not allowed here."
        )
        answer = self._failed(failure, call, entry)
        answer.headers.append((b"allow", entry.allow))
        return answer

    def _refused(self, refusal: Exception, call: Call, entry: Entry | None) -> Answer:
        for kind in type(refusal).__mro__:
            render = self._house.refusals.get(kind)
            if render is not None:
                try:
                    return render(refusal, call)
                except Exception as fault:
                    refusal = fault
                    break
        if isinstance(refusal, Malformed):
            code = "request_timeout" if refusal.status == 408 else "invalid_request"
            failure = Failure(status=refusal.status, code=code, description=refusal.description)
            return self._failed(failure, call, entry)
        if isinstance(refusal, Misdirected):
            failure = Failure(
                status=421, code="invalid_request", description="This server has another name."
            )
            return self._failed(failure, call, entry)
        if isinstance(refusal, Overloaded):
            answer = self._failed(_OVERLOADED, call, entry)
            answer.headers.append((b"retry-after", str(refusal.retry_after).encode()))
            return answer
        _log.error(
            "unexpected %s",
            type(refusal).__name__,
            exc_info=refusal,
            extra={"path": entry and entry.path},
        )
        return self._failed(_UNEXPECTED, call, entry)

    def _failed(self, failure: Failure, call: Call, entry: Entry | None) -> Answer:
        by_reader = entry is None or entry.page_for_browsers
        page = _reads_pages(call) if by_reader else entry is not None and entry.page
        if page:
            try:
                return self._house.failure_page(failure, call)
            except Exception:
                _log.exception("the failure page failed")
        return failure_json(failure, call)


def _is_unread(entry: Entry | None, call: Call) -> bool:
    """Tell whether a long body may still come, which nobody will read."""
    return (
        entry is not None and entry.streamed and call.method == "POST" and WHOLE not in call.scope
    )


def _reads_pages(call: Call) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in call.scope["headers"])


def _foreign(call: Call) -> bool:
    """Tell whether another site's page sent this form (Fetch Metadata; RFC 6454 §7.3 before it).

    ``Origin: null`` alone says nothing: browsers send it from our own pages too, because of their
    Referrer-Policy. There the token in the form and SameSite=Lax are what holds.
    """
    site = call.header("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    return call.header("origin") not in (None, "null", call.origin)


async def _live(
    lifespan: Callable[[], AbstractAsyncContextManager[None]], receive: Receive, send: Send
) -> None:
    started = False
    await receive()
    try:
        async with lifespan():
            await send({"type": "lifespan.startup.complete"})
            started = True
            await receive()
    except Exception as fault:
        _log.exception("lifespan")
        stage = "shutdown" if started else "startup"
        await send({"type": f"lifespan.{stage}.failed", "message": type(fault).__name__})
        return
    await send({"type": "lifespan.shutdown.complete"})
