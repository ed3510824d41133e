"""The address of a signed request's evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from esignet.endpoints.admission import Admission, Bearers
from esignet.endpoints.client_calls import described
from esignet.endpoints.request_answers import REFUSALS, SCOPE, as_file, refusal
from esignet.flows.csc_approvals import Caller
from esignet.flows.evidence import MEDIA_TYPE, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceEndpoint:
    """``/signature-requests/{id}/evidence``, for the client that made the request."""

    evidence: Evidence
    bearers: Bearers
    clock: Clock
    origins: Sequence[str] = ()

    def routes(self) -> list[Route]:
        """Return the one address."""
        return [
            Route(
                path="/signature-requests/{request_id}/evidence",
                endpoints={"GET": self._answered},
                budget="logins",
                origins=self.origins,
                operations={"GET": described("Evidence of what was signed, sealed")},
            )
        ]

    async def _answered(self, call: Call) -> Answer:
        admission = Admission(bearers=self.bearers, clock=self.clock, scope=SCOPE)
        return await admission.answered(call, partial(self._served, call))

    async def _served(self, call: Call, caller: Caller, now: int) -> Answer:
        try:
            identifier = call.captured["request_id"]
            bundle = await self.evidence.bundle(identifier, caller.client_id, now)
        except REFUSALS as reason:
            return refusal(reason)
        return as_file(bytes_answer(bundle, MEDIA_TYPE), "evidence.asice")
