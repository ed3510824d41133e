"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core 1.0 §3.1.2.1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Route, redirect
from idp.endpoints.guests import Guest
from idp.endpoints.hints import keep_hint
from idp.endpoints.login_answers import LoginAnswers
from idp.endpoints.mounting import Mount
from idp.endpoints.page_answers import replied
from idp.flows.login import LoginFlow
from idp.flows.requests import Requests, Resolved
from idp.protocol import jar, par
from idp.protocol.authorization import AuthorizationRequest, ReplyTo
from idp.protocol.case import Endpoint
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, OAuthError
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Recognised:
    """A request whose client and redirect URI are proven: from here on the client is told.

    ``refusal`` is why its request object could not be read: the client is told that as well, where
    the request itself names an address of its own.
    """

    resolved: Resolved
    client: Client
    reply_to: ReplyTo
    refusal: OAuthError | None = None

    @property
    def locales(self) -> tuple[str, ...]:
        """Return the languages in which the person is to be spoken to."""
        return self.resolved.asked.words("ui_locales")


@dataclass(frozen=True, slots=True)
class Authorize:
    """``/authorize``: reads, recognises, judges, and begins a login bound to the browser."""

    flow: LoginFlow
    requests: Requests
    answers: LoginAnswers
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.flow.ground.issuer)
        guarded = self.answers.refusals.guarded
        return [
            Route(
                path=f"{mount.path}/authorize",
                endpoints={"GET": guarded(self.authorize), "POST": guarded(self.posted)},
                budget="logins",
                page=True,
                cross_site=True,
                origins=(mount.origin,),
            ),
            Route(
                path=f"{mount.path}/authorize/{{login_id}}",
                endpoints={"GET": guarded(self.adopt)},
                budget="logins",
                page=True,
                origins=(mount.origin,),
            ),
        ]

    async def authorize(self, call: Call) -> Answer:
        """Begin a login in this browser."""
        now = self.clock.now()
        known = await self._recognised(call.query(), now)
        guest = self.answers.refusals.guests.guest(call, known.locales)
        try:
            request = await self._judged(known)
        except OAuthError as refusal:
            return await self._refused(known, refusal, guest, now)
        draft = await self.flow.begin(request, known.client, guest.visit, now)
        answer = await self.answers.onward(draft, guest, call)
        if draft.reply is None:
            keep_hint(answer, call, draft.login.id, request.login_hint)
        return answer

    async def posted(self, call: Call) -> Answer:
        """Keep a request that came as a form, and send the browser on with a GET.

        Another site's form comes without our cookies, which are SameSite=Lax; the GET has them.
        """
        now = self.clock.now()
        known = await self._recognised(await call.form(), now)
        guest = self.answers.refusals.guests.guest(call, known.locales)
        try:
            request = await self._judged(known)
        except OAuthError as refusal:
            return await self._refused(known, refusal, guest, now)
        login = await self.flow.keep(request, guest.visit.address, now)
        answer = redirect(f"{Mount.of(login.issuer).path}/authorize/{quote(login.id)}")
        keep_hint(answer, call, login.id, request.login_hint)
        return answer

    async def adopt(self, call: Call) -> Answer:
        """Go on with a request that was kept, in the browser that brought it."""
        guest = self.answers.refusals.guests.guest(call)
        draft = await self.flow.adopt(call.captured["login_id"], guest.visit, self.clock.now())
        guest, draft = self.answers.refusals.guests.wished(guest, call, draft)
        return await self.answers.onward(draft, guest, call)

    async def _recognised(self, pairs: Iterable[tuple[str, str]], now: int) -> Recognised:
        """Raises what is shown to the person: nobody is redirected (RFC 6749 §4.1.2.1)."""
        asked = Parameters.parse(pairs)
        client = await self.flow.ground.clients.find(asked.require("client_id"))
        if client is None:
            raise InvalidRequest("client_id is unknown")
        resolved, refused = Resolved(asked=asked), None
        try:
            resolved = await self.requests.resolve(asked, client, Endpoint.AUTHORIZATION, now)
        except OAuthError as refusal:
            if par.is_pushed(asked) or jar.is_strict(client) or "redirect_uri" not in asked:
                raise
            refused = refusal
        reply_to = ReplyTo.for_client(client, resolved.asked, self.flow.ground.issuer)
        return Recognised(resolved, client, reply_to, refused)

    async def _refused(
        self, known: Recognised, refusal: OAuthError, guest: Guest, now: int
    ) -> Answer:
        reply = known.reply_to.refuse(refusal)
        reply = await self.flow.ground.signing.sealed(reply, known.client, now)
        name = known.client.name((guest.language.tag,))
        return replied(self.answers.answers, reply, guest, name)

    async def _judged(self, known: Recognised) -> AuthorizationRequest:
        if known.refusal is not None:
            raise known.refusal
        return await self.requests.judged(
            known.resolved, known.client, known.reply_to, Endpoint.AUTHORIZATION
        )
