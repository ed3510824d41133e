"""The address where a relying party gets a link, with which a person signs on our pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Route, json_answer
from esignet.endpoints.admission import Admission, Bearers
from esignet.endpoints.request_answers import REFUSALS, SCOPE, refusal
from esignet.flows.csc_approvals import Caller
from esignet.flows.hosted import Hosted
from esignet.protocol.hosted import link_wish

_PATH = "/signature-requests/{request_id}/links"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksEndpoint:
    """``POST /signature-requests/{id}/links``; ``address`` is the signing service's own."""

    hosted: Hosted
    bearers: Bearers
    clock: Clock
    address: str

    def routes(self) -> Sequence[Route]:
        """Return the one address."""
        described = {"summary": "Get a link with which a signer signs on our pages"}
        return [
            Route(
                path=_PATH,
                endpoints={"POST": self.link},
                budget="logins",
                origins=(self.address,),
                operations={"POST": described},
            )
        ]

    async def link(self, call: Call) -> Answer:
        """Answer a new link."""
        admission = Admission(bearers=self.bearers, clock=self.clock, scope=SCOPE)
        return await admission.answered(call, partial(self._served, call))

    async def _served(self, call: Call, caller: Caller, now: int) -> Answer:
        try:
            return await self._made(call, caller, now)
        except REFUSALS as reason:
            return refusal(reason)

    async def _made(self, call: Call, caller: Caller, now: int) -> Answer:
        wish = link_wish(await call.json())
        request = await self.hosted.requests.status(call.captured["request_id"], caller.client_id)
        address = await self.hosted.made(request, wish, now)
        return json_answer({"sign_url": address, "expires_at": request.expires_at}, 201)
