"""Logins that a first-party application shows itself (draft-ietf-oauth-first-party-apps-04).

The application asks, is told what is missing, and asks again with that. Everything is a login as in
a browser: the same factors, budgets and records. What the application cannot show (consent, which
is given on a page of ours) it is sent to the web for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from config.runtime.entropy import Entropy
from idp.factors.factor import NotProven
from idp.flows.clients import ClientAuthentication
from idp.flows.login import ExpiredLogin, UnknownLogin
from idp.flows.login_draft import Draft
from idp.flows.login_factors import FactorSteps
from idp.flows.login_ground import Visit, digest
from idp.flows.login_pace import TooManyLogins
from idp.flows.senders import Senders
from idp.protocol.authorization import AuthorizationRequest, ReplyTo
from idp.protocol.carried import Carried
from idp.protocol.case import Case, Endpoint
from idp.protocol.checks import authorization_request
from idp.protocol.client import Client
from idp.protocol.errors import (
    InvalidRequest,
    InvalidSession,
    RedirectToWeb,
    TemporarilyUnavailable,
    UnauthorizedClient,
)
from idp.protocol.login import IllegalMove
from idp.protocol.next_step import Step
from idp.protocol.parameters import Parameters

LONGEST_ID = 256
LONGEST_ANSWER = 256

_SESSION = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the application is: its network address and the language of its person."""

    address: str
    locale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is asked of the person next, under the name that the application keeps it by.

    ``step`` is ``identify`` or ``prove``; ``factor`` is asked, ``factors`` may be asked instead.
    ``wrong`` says that the last answer was not accepted, never why.
    """

    auth_session: str
    step: str
    factor: str | None = None
    factors: tuple[str, ...] = ()
    wrong: bool = False

    def told(self) -> dict[str, Any]:
        """Return the members of the answer."""
        shown: dict[str, Any] = {"auth_session": self.auth_session, "step": self.step}
        if self.factor is not None:
            shown |= {"factor": self.factor, "factors": list(self.factors)}
        if self.wrong:
            shown["wrong"] = True
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPartyLogin:
    """Drives the logins of first-party applications of one issuer."""

    steps: FactorSteps
    authentication: ClientAuthentication
    senders: Senders
    entropy: Entropy

    async def challenge(
        self, asked: Parameters, carried: Carried, place: Place, now: int
    ) -> Mapping[str, str] | Missing:
        """Return the answer of the authorization request once it is answered, else what is missing.

        Raises an OAuthError where the login cannot go on.
        """
        proven = await self.authentication.prove(asked, carried, now)
        client = proven.client
        if not client.first_party:
            raise UnauthorizedClient("this client is no first-party application")
        sender = await self.senders.prove(carried, client, now)
        await self.authentication.spend(proven, *sender.writes)
        jkt = sender.confirmation.jkt if sender.confirmation else None
        try:
            session, draft = await self._draft(asked, client, place, jkt, now)
            return await self._answered(asked, session, draft, now)
        except TooManyLogins:
            raise TemporarilyUnavailable("too many logins from this network") from None
        except (UnknownLogin, ExpiredLogin):
            raise InvalidSession("auth_session is unknown or over") from None
        except IllegalMove:
            raise InvalidRequest("nothing of this kind is asked for now") from None

    async def _draft(
        self, asked: Parameters, client: Client, place: Place, jkt: str | None, now: int
    ) -> tuple[str, Draft]:
        """Return the login that ``auth_session`` names, or a new one, with its auth_session."""
        flow = self.steps.flow
        if "auth_session" not in asked:
            secret = self.entropy.token()
            request = self._request(asked, client, jkt)
            draft = await flow.begin(request, client, _visit(secret, place), now)
            return f"{draft.login.id}.{secret}", draft
        named = _SESSION.match(asked["auth_session"])
        if named is None:
            raise InvalidSession("auth_session is malformed")
        draft = await flow.resume(named[1], _visit(named[2], place), now)
        if draft.client.client_id != client.client_id or draft.login.request.dpop_jkt != jkt:
            raise InvalidSession("auth_session belongs to another client or key")
        return asked["auth_session"], draft

    def _request(self, asked: Parameters, client: Client, jkt: str | None) -> AuthorizationRequest:
        ground = self.steps.flow.ground
        if asked.get("dpop_jkt", jkt) != jkt:
            raise InvalidRequest("dpop_jkt is not the key of the proof")
        parameters = Parameters(asked)
        if jkt is not None:
            parameters["dpop_jkt"] = jkt
        return authorization_request(
            Case(
                asked=parameters,
                client=client,
                reply_to=ReplyTo("", "query", None, ground.issuer),
                endpoint=Endpoint.CHALLENGE,
                detail_types=ground.detail_types,
                features=ground.features,
            )
        )

    async def _answered(
        self, asked: Parameters, session: str, draft: Draft, now: int
    ) -> Mapping[str, str] | Missing:
        """Take what the person said and go on as far as that leads."""
        wrong = False
        if "individual_id" in asked:
            typed = asked["individual_id"].strip()[:LONGEST_ID]
            draft = await self.steps.identify(structs.replace(draft, step=None), typed, now)
        elif "factor" in asked:
            draft = await self.steps.choose(structs.replace(draft, step=None), asked["factor"], now)
        factor = self.steps.flow.ground.factors.get(draft.login.factor or "")
        if factor is not None and factor.field in asked:
            try:
                answer = asked[factor.field][:LONGEST_ANSWER]
                draft = await self.steps.prove(structs.replace(draft, step=None), answer, now)
            except NotProven:
                wrong = True
        if draft.reply is not None:
            return dict(draft.reply.fields)
        step = await self.steps.flow.step(draft, now)
        if step is Step.IDENTIFY:
            return Missing(auth_session=session, step="identify")
        if step is Step.PROVE:
            choices = await self.steps.choices(draft, now)
            return Missing(
                auth_session=session,
                step="prove",
                factor=draft.login.factor,
                factors=choices,
                wrong=wrong,
            )
        raise RedirectToWeb("the person has to agree on a page of ours")


def _visit(secret: str, place: Place) -> Visit:
    """Return the application as a browser: ``secret`` is what only it has."""
    return Visit(browser=digest(secret), session=None, address=place.address, locale=place.locale)
