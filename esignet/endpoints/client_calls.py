"""Calls of a client with a token of its own: who calls, in which scope, every refusal as JSON."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Endpoint
from esignet.endpoints.admission import Admission, Bearers
from esignet.endpoints.csc import RETRY_AFTER
from esignet.endpoints.request_answers import SCOPE, refused
from esignet.flows.csc_approvals import Caller
from keystore.door import KeyServiceUnavailable

Serve = Callable[[Call, Caller], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """How an exception is told: ``error`` is a word for programs, ``description`` for people.

    What ``passes`` may be tried again soon.
    """

    status: int
    error: str
    description: str
    passes: bool = False

    def answer(self) -> Answer:
        """Return it as JSON."""
        answer = refused(self.status, self.error, self.description)
        if self.passes:
            answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
        return answer


_AWAY = Refusal(503, "temporarily_unavailable", "something is away; try again", passes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCalls:
    """Lets in whose token has ``scope``. ``refusals`` are those of the endpoint's flow."""

    bearers: Bearers
    clock: Clock
    refusals: Mapping[type[Exception], Refusal]
    scope: str = SCOPE

    def endpoint(self, serve: Serve) -> Endpoint:
        """Return an endpoint that serves only who may call."""
        return partial(self._served, serve)

    async def _served(self, serve: Serve, call: Call) -> Answer:
        admission = Admission(bearers=self.bearers, clock=self.clock, scope=self.scope)
        return await admission.answered(call, partial(self._admitted, serve, call))

    async def _admitted(self, serve: Serve, call: Call, caller: Caller, _: int) -> Answer:
        try:
            return await serve(call, caller)
        except Malformed as reason:
            code = "request_timeout" if reason.status == 408 else "invalid_request"
            return Refusal(reason.status, code, reason.description).answer()
        except (KeyServiceUnavailable, DatabaseUnavailable):
            return _AWAY.answer()
        except tuple(self.refusals) as reason:
            return self.refusals[type(reason)].answer()


def described(summary: str) -> dict[str, Any]:
    """Return what OpenAPI says of an operation."""
    refusal = "A refusal: error and error_description"
    return {"summary": summary, "responses": {"default": {"description": refusal}}}
