"""What resources of ours have in common: who asks is read, judged and told (RFC 6750, RFC 9449)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, empty
from config.runtime.web.call import Call
from config.runtime.web.challenges import challenge, tell_nonce
from idp.endpoints.answers import refusal_answer, refusal_fields
from idp.endpoints.machine import carried
from idp.flows.access import Access, Holder
from idp.protocol.errors import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidDpopProof,
    OAuthError,
    TemporarilyUnavailable,
    UseDpopNonce,
)
from idp.protocol.parameters import Parameters
from idp.protocol.presented_token import PresentedToken, Scheme, presented_token
from keystore.door import KeyServiceUnavailable

Serve = Callable[[Holder], Awaitable[Answer]]
"""Answers somebody whose access token is good; may raise an OAuthError."""

_OF_DPOP = (InvalidDpopProof, UseDpopNonce)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that access tokens of the issuer open.

    ``scope`` is what a token needs, as it is told with insufficient_scope. ``form`` says that a
    POST may hold the token in its form (RFC 6750 §2.2).
    """

    access: Access
    clock: Clock
    scope: str
    form: bool = False

    async def answered(self, call: Call, serve: Serve) -> Answer:
        """Judge the token and its proof, let ``serve`` answer, or say why not."""
        presented = None
        try:
            brought = carried(call)
            in_form = await self._in_form(call)
            presented = presented_token(brought.authorization, in_form)
            if presented is None:
                return self._challenged(empty(401), presented, None, call)
            holder = await self.access.presented(presented, brought, self.clock.now())
            answer = await serve(holder)
        except OAuthError as refusal:
            return self._refused(refusal, presented, call)
        except KeyServiceUnavailable:
            away = TemporarilyUnavailable("no answer can be signed at present")
            return refusal_answer(away, call)
        tell_nonce(answer, holder.nonce)
        return answer

    async def _in_form(self, call: Call) -> str | None:
        if not self.form or call.method != "POST" or call.header("content-type") is None:
            return None
        return Parameters.parse(await call.form()).get("access_token")

    def _refused(self, refusal: OAuthError, presented: PresentedToken | None, call: Call) -> Answer:
        answer = refusal_answer(refusal, call)
        if isinstance(refusal, _OF_DPOP):
            answer.status = 401  # RFC 9449 §7.1, §9; at the token endpoint it is 400
        if answer.status in (400, 401, 403):
            return self._challenged(answer, presented, refusal, call)
        return answer

    def _challenged(
        self,
        answer: Answer,
        presented: PresentedToken | None,
        refusal: OAuthError | None,
        call: Call,
    ) -> Answer:
        used = Scheme.BEARER if presented is None else presented.scheme
        told: list[tuple[str, str]] = []
        if isinstance(refusal, _OF_DPOP):
            used = Scheme.DPOP
        if refusal is not None:
            told += refusal_fields(refusal, call)
        if isinstance(refusal, InsufficientUserAuthentication):
            told += refusal.demands.items()
        if isinstance(refusal, InsufficientScope):
            told.append(("scope", self.scope))
        return challenge(answer, self.access.schemes, used, told)
