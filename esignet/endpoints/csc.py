"""The addresses of the CSC API: who calls, what the body says, and every refusal in its form."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import LARGEST_BODY, Call
from config.runtime.web.challenges import tell_nonce
from config.runtime.web.sites import Endpoint, Route
from esignet.endpoints.admission import Bearers, refused_token
from esignet.endpoints.csc_described import described
from esignet.flows.csc_approvals import Caller, NoToken, Presented
from esignet.protocol.csc.approval import CREATIONS, DELETIONS, approved, change
from esignet.protocol.csc.faults import (
    ACCESS_DENIED,
    EXPIRED_TOKEN,
    INVALID_TOKEN,
    MALFORMED,
    MALFORMED_AUTHORIZATION,
    NOT_IMPLEMENTED,
    UNAVAILABLE,
    CscError,
    Fault,
)
from esignet.protocol.csc.fields import Fields
from esignet.protocol.csc.service import Service, service
from esignet.protocol.csc.version import Version
from keystore.door import KeyServiceUnavailable

SCOPES = frozenset(("service", "credential"))
RETRY_AFTER = 5
"""Seconds after which it may be tried again when something is away."""


Serve = Callable[[Fields, Presented, int], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method that needs a token; its body has at most ``limit`` octets."""

    serve: Serve
    limit: int = LARGEST_BODY


@dataclass(frozen=True, slots=True, kw_only=True)
class CscEndpoint:
    """One version of the API under ``path`` at ``origin``.

    ``about`` is what ``info`` tells to all. Methods that are not served answer 501.
    """

    version: Version
    origin: str
    path: str
    clock: Clock
    bearers: Bearers
    about: Service
    methods: Mapping[str, Method]

    def routes(self) -> list[Route]:
        """Return a route for each method of the specification."""
        return [self._route(name) for name in self.version.methods]

    def _route(self, name: str) -> Route:
        post: Endpoint = self._not_here
        if name == "info":
            post = self._about
        elif name in self.methods:
            post = partial(self._method, self.methods[name])
        return Route(
            path=f"{self.path}/{name}",
            endpoints={"POST": post},
            budget="tokens",
            origins=(self.origin,),
            operations={"POST": described(name)},
        )

    async def _about(self, call: Call) -> Answer:
        try:
            asked = await _fields(call, LARGEST_BODY)
            served = ["info", *self.methods]
            return json_answer(service(asked, self.about, self.version, served))
        except CscError as refusal:
            return _refused(refusal.fault)

    async def _not_here(self, _: Call) -> Answer:
        return _refused(NOT_IMPLEMENTED)

    async def _method(self, method: Method, call: Call) -> Answer:
        now, nonce = self.clock.now(), None
        try:
            presented = await self.bearers.presented(call, now)
            if presented is None:
                raise CscError(MALFORMED_AUTHORIZATION)
            nonce = presented.nonce
            _check_allowed(presented.caller)
            fields = await _fields(call, method.limit)
            answer = json_answer(await method.serve(fields, presented, now))
        except NoToken as refusal:
            return refused_token(_refused(_fault(refusal)), self.bearers.schemes, refusal)
        except CscError as refusal:
            answer = _refused(refusal.fault)
        except (KeyServiceUnavailable, DatabaseUnavailable):
            answer = _refused(UNAVAILABLE)
        tell_nonce(answer, nonce)
        return answer


def _check_allowed(caller: Caller) -> None:
    if not caller.scope & SCOPES and not _is_approval(caller.details):
        raise CscError(ACCESS_DENIED)


def _fault(refusal: NoToken) -> Fault:
    """Return the table's words where it has some; it knows nothing of proofs (RFC 9449)."""
    if refusal.expired:
        return EXPIRED_TOKEN
    if refusal.error == "invalid_request":
        return MALFORMED_AUTHORIZATION
    if refusal.error == "invalid_token":
        return INVALID_TOKEN
    return Fault(refusal.description, refusal.error, 401)


def _is_approval(details: Sequence[Mapping[str, Any]]) -> bool:
    return approved(details) is not None or change(details, CREATIONS | DELETIONS) is not None


async def _fields(call: Call, limit: int) -> Fields:
    """Return the members of the body; none at all is an empty object."""
    try:
        body = await call.body(limit)
        return Fields.of(await call.json(limit) if body else {})
    except Malformed as fault:
        raise CscError(Fault(MALFORMED.description, status=fault.status)) from None


def _refused(fault: Fault) -> Answer:
    told = {"error": fault.error, "error_description": fault.description}
    answer = json_answer(told, fault.status)
    if fault.status == 503:
        answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    return answer
