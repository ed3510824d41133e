"""Who may call: by an access token and perhaps a proof, and how everybody else is told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.challenges import Schemes, challenge, tell_nonce
from esignet.flows.csc_approvals import Caller, NoToken, Presented

Admitted = Callable[[Caller, int], Awaitable[Answer]]
"""Answers somebody whose token is good; takes what time it is, too."""


class Bearers(Protocol):
    """Reads who calls."""

    @property
    def schemes(self) -> Schemes:
        """Return how tokens may be brought."""
        ...

    async def presented(self, call: Call, now: int) -> Presented | None:
        """Return the caller, whose token and proof were checked; None if there is no token.

        Raises NoToken for one that is not good.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets in whose token has ``scope``; an empty one is asked of nobody."""

    bearers: Bearers
    clock: Clock
    scope: str

    async def answered(self, call: Call, serve: Admitted) -> Answer:
        """Judge the token and its proof, let ``serve`` answer, or say why not."""
        now = self.clock.now()
        try:
            presented = await self.bearers.presented(call, now)
        except NoToken as refusal:
            status = 400 if refusal.error == "invalid_request" else 401
            return self._refused(refusal, status)
        if presented is None:
            answer = _said("invalid_token", "an access token is needed", 401)
            return challenge(answer, self.bearers.schemes, "")
        if self.scope and self.scope not in presented.caller.scope:
            told = f"the scope {self.scope} is needed"
            answer = self._refused(NoToken("insufficient_scope", told, presented.scheme), 403)
        else:
            answer = await serve(presented.caller, now)
        tell_nonce(answer, presented.nonce)
        return answer

    def _refused(self, refusal: NoToken, status: int) -> Answer:
        answer = _said(refusal.error, refusal.description, status)
        return refused_token(answer, self.bearers.schemes, refusal, self.scope)


def refused_token(answer: Answer, schemes: Schemes, refusal: NoToken, scope: str = "") -> Answer:
    """Say in the headers of ``answer`` what is wrong with a token, and what would be good.

    RFC 6750 §3, RFC 9449 §8, §9; ``scope`` is what a token needs.
    """
    told = [("error", refusal.error), ("error_description", refusal.description)]
    if scope:
        told.append(("scope", scope))
    tell_nonce(answer, refusal.nonce)
    return challenge(answer, schemes, refusal.scheme, told)


def _said(error: str, description: str, status: int) -> Answer:
    return json_answer({"error": error, "error_description": description}, status)
