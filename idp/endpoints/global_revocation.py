"""The endpoint of Global Token Revocation (draft-parecki-oauth-global-token-revocation)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, empty
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.mounting import Mount
from idp.endpoints.resource import Resource
from idp.flows.access import Holder
from idp.flows.global_revocation import GlobalRevocation
from idp.protocol.global_revocation import named


@dataclass(frozen=True, slots=True)
class GlobalRevocationEndpoint:
    """``POST /global-token-revocation``."""

    revocation: GlobalRevocation
    resource: Resource
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.revocation.issuer)
        return [
            Route(
                path=f"{mount.path}/global-token-revocation",
                endpoints={"POST": self.revoke},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def revoke(self, call: Call) -> Answer:
        """End every session, grant and token of a person."""

        async def serve(holder: Holder) -> Answer:
            subject = named(await call.json(), self.revocation.issuer)
            await self.revocation.revoke(holder, subject, self.clock.now())
            return empty(204)

        return await self.resource.answered(call, serve)
