"""Calls of a client with a token of its own: who calls, in which scope, every refusal as JSON."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Endpoint
from esignet.endpoints.csc import RETRY_AFTER, Bearers
from esignet.flows.csc_approvals import Caller, NoToken
from keystore.door import KeyServiceUnavailable

Serve = Callable[[Call, Caller], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """How an exception is told: ``error`` is a word for programs, ``description`` for people."""

    status: int
    error: str
    description: str

    def answer(self) -> Answer:
        """Return it as JSON."""
        body = {"error": self.error, "error_description": self.description}
        return json_answer(body, self.status)


_AWAY = Refusal(503, "temporarily_unavailable", "something is away; try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCalls:
    """Lets in whose token has the ``scope``. ``refusals`` are those of the endpoint's flow."""

    bearers: Bearers
    clock: Clock
    scope: str
    refusals: Mapping[type[Exception], Refusal]

    def endpoint(self, serve: Serve) -> Endpoint:
        """Return an endpoint that serves only who may call."""
        return partial(self._served, serve)

    async def _served(self, serve: Serve, call: Call) -> Answer:
        try:
            presented = await self.bearers.presented(call, self.clock.now())
        except NoToken:
            return self._challenged("invalid_token", "the access token is not good here")
        if presented is None:
            return self._challenged("", "an access token is needed")
        if self.scope not in presented.caller.scope:
            needed = f"the scope {self.scope} is needed"
            return self._challenged("insufficient_scope", needed, 403)
        try:
            return await serve(call, presented.caller)
        except Malformed as reason:
            code = "request_timeout" if reason.status == 408 else "invalid_request"
            return Refusal(reason.status, code, reason.description).answer()
        except (KeyServiceUnavailable, DatabaseUnavailable):
            answer = _AWAY.answer()
            answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
            return answer
        except tuple(self.refusals) as reason:
            return self.refusals[type(reason)].answer()

    def _challenged(self, error: str, description: str, status: int = 401) -> Answer:
        """Refuse with a challenge (RFC 6750 §3), which names no error where no token came."""
        answer = Refusal(status, error or "invalid_token", description).answer()
        challenge = f'Bearer error="{error}", scope="{self.scope}"' if error else "Bearer"
        answer.headers.append((b"www-authenticate", challenge.encode()))
        return answer


def described(summary: str) -> dict[str, Any]:
    """Return what OpenAPI says of an operation."""
    refusal = "A refusal: error and error_description"
    return {"summary": summary, "responses": {"default": {"description": refusal}}}
