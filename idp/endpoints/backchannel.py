"""The backchannel authentication endpoint (OpenID Connect CIBA Core 1.0 §7)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.backchannel import Backchannel
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class BackchannelEndpoint:
    """``POST /bc-authorize``."""

    flow: Backchannel
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.flow.issuer)
        return [
            Route(
                path=f"{mount.path}/bc-authorize",
                endpoints={"POST": self.authorize},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def authorize(self, call: Call) -> Answer:
        """Take a request."""
        return await answered(call, self._begin)

    async def _begin(self, asked: Parameters, carried: Carried) -> Answer:
        return json_answer(await self.flow.begin(asked, carried, self.clock.now()))
