"""The addresses of a person's own list of signatures."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.malformed import Malformed
from config.runtime.web.answer import Answer, empty, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from esignet.endpoints.admission import Admission, Bearers
from esignet.endpoints.client_calls import described
from esignet.endpoints.csc import RETRY_AFTER
from esignet.endpoints.request_answers import refused
from esignet.flows.csc_approvals import Caller
from esignet.flows.history import History, NoSuchEntry, NotTheirs
from esignet.protocol.asking import BadRequest
from esignet.protocol.history import SCOPE, page_asked
from keystore.door import KeyServiceUnavailable

Serve = Callable[[Call, Caller, int], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEndpoint:
    """``/signatures``, for the person of the access token."""

    history: History
    bearers: Bearers
    clock: Clock
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the two addresses."""
        return [
            self._route("/signatures", "GET", self._list, "What a person signed"),
            self._route("/signatures/{entry}", "DELETE", self._erase, "Erase one entry"),
        ]

    def _route(self, path: str, method: str, serve: Serve, summary: str) -> Route:
        return Route(
            path=path,
            endpoints={method: partial(self._answered, serve)},
            budget="tokens",
            origins=self.origins,
            operations={method: described(summary)},
        )

    async def _answered(self, serve: Serve, call: Call) -> Answer:
        admission = Admission(bearers=self.bearers, clock=self.clock, scope=SCOPE)
        return await admission.answered(call, partial(self._admitted, serve, call))

    async def _admitted(self, serve: Serve, call: Call, caller: Caller, now: int) -> Answer:
        try:
            return await serve(call, caller, now)
        except (BadRequest, Malformed) as reason:
            return refused(reason.status, "invalid_request", reason.description)
        except NotTheirs:
            return refused(403, "not_allowed", "a token of a person is needed, whose client may")
        except NoSuchEntry:
            return refused(404, "not_found", "the person has no such entry")
        except (DatabaseUnavailable, KeyServiceUnavailable):
            answer = refused(503, "temporarily_unavailable", "something is away; try again")
            answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
            return answer

    async def _list(self, call: Call, caller: Caller, now: int) -> Answer:
        before, limit = page_asked(call.query())
        entries, following = await self.history.page(caller, before, limit, now)
        told: dict[str, object] = {"signatures": entries}
        return json_answer({**told, "next": str(following)} if following else told)

    async def _erase(self, call: Call, caller: Caller, now: int) -> Answer:
        await self.history.erase(caller, call.captured["entry"])
        return empty()
