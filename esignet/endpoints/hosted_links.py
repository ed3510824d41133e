"""The address where a relying party gets a link, with which a person signs on our pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web import Answer, Call, Route, json_answer
from esignet.endpoints.csc import Bearers
from esignet.endpoints.request_answers import REFUSALS, SCOPE, challenged, refusal
from esignet.flows.csc_approvals import Caller, NoToken
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
            return await self._made(call, presented.caller, now)
        except REFUSALS as reason:
            return refusal(reason)

    async def _made(self, call: Call, caller: Caller, now: int) -> Answer:
        wish = link_wish(await call.json())
        request = await self.hosted.requests.status(call.captured["request_id"], caller.client_id)
        address = await self.hosted.made(request, wish, now)
        return json_answer({"sign_url": address, "expires_at": request.expires_at}, 201)
