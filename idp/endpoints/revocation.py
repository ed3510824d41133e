"""The revocation endpoint (RFC 7009)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, empty
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.inspection import Inspection
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class RevocationEndpoint:
    """``POST /revoke``."""

    inspection: Inspection
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.inspection.issuer.address)
        return [
            Route(
                path=f"{mount.path}/revoke",
                endpoints={"POST": self.revoke},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def revoke(self, call: Call) -> Answer:
        """End a token of the client's own, and with it its grant."""
        return await answered(call, self._revoke)

    async def _revoke(self, asked: Parameters, carried: Carried) -> Answer:
        await self.inspection.revoke(asked, carried, self.clock.now())
        return empty(200)
