"""The address of a signed request's evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from esignet.endpoints.client_calls import described
from esignet.endpoints.csc import Bearers
from esignet.endpoints.request_answers import REFUSALS, SCOPE, as_file, challenged, refusal
from esignet.flows.csc_approvals import NoToken
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
        now = self.clock.now()
        try:
            presented = await self.bearers.presented(call, now)
        except NoToken:
            return challenged("invalid_token", "the access token is not good for this service")
        if presented is None:
            return challenged("", "an access token is needed")
        if SCOPE not in presented.caller.scope:
            return challenged("insufficient_scope", f"the scope {SCOPE} is needed", 403)
        try:
            identifier = call.captured["request_id"]
            bundle = await self.evidence.bundle(identifier, presented.caller.client_id, now)
        except REFUSALS as reason:
            return refusal(reason)
        return as_file(bytes_answer(bundle, MEDIA_TYPE), "evidence.asice")
