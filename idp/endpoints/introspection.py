"""The introspection endpoint (RFC 7662)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.inspection import Inspection
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class IntrospectionEndpoint:
    """``POST /introspect``."""

    inspection: Inspection
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.inspection.issuer.address)
        return [
            Route(
                path=f"{mount.path}/introspect",
                endpoints={"POST": self.introspect},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def introspect(self, call: Call) -> Answer:
        """Tell a resource server whether a token is good."""
        return await answered(call, self._introspect)

    async def _introspect(self, asked: Parameters, carried: Carried) -> Answer:
        now = self.clock.now()
        return json_answer(await self.inspection.introspect(asked, carried, now))
