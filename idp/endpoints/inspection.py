"""What clients ask and do about tokens: introspection and revocation (RFC 7662, 9701, 7009)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, bytes_answer, empty
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.inspection import Inspection
from idp.protocol.carried import Carried
from idp.protocol.introspection import wants_signed
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class InspectionEndpoint:
    """``POST /introspect`` and ``POST /revoke``."""

    inspection: Inspection
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the routes under the issuer's address."""
        mount = Mount.of(self.inspection.issuer.address)
        acts = {"introspect": self.introspect, "revoke": self.revoke}
        return [
            Route(
                path=f"{mount.path}/{name}",
                endpoints={"POST": act},
                budget="tokens",
                origins=(mount.origin,),
            )
            for name, act in acts.items()
        ]

    async def introspect(self, call: Call) -> Answer:
        """Tell a resource server whether a token is good, signed where it asks (RFC 9701 §4)."""
        signed = wants_signed(call.header("accept"))

        async def act(asked: Parameters, carried: Carried) -> Answer:
            now = self.clock.now()
            told = await self.inspection.introspect(asked, carried, now, signed=signed)
            return bytes_answer(told.body, told.content_type)

        return await answered(call, act)

    async def revoke(self, call: Call) -> Answer:
        """End a token of the client's own, and with it its grant."""
        return await answered(call, self._revoke)

    async def _revoke(self, asked: Parameters, carried: Carried) -> Answer:
        await self.inspection.revoke(asked, carried, self.clock.now())
        return empty(200)
