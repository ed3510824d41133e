"""The grant management endpoint (Grant Management for OAuth 2.0 §6)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, empty, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.mounting import Mount
from idp.endpoints.resource import Resource
from idp.flows.access import Access, Holder
from idp.flows.grant_management import GrantManagement
from idp.protocol.grant_management import QUERY, REVOKE


@dataclass(frozen=True, slots=True)
class GrantsEndpoint:
    """``GET`` and ``DELETE /grants/{grant_id}``."""

    management: GrantManagement
    access: Access
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.access.issuer)
        return [
            Route(
                path=f"{mount.path}/grants/{{grant_id}}",
                endpoints={"GET": self.query, "DELETE": self.revoke},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def query(self, call: Call) -> Answer:
        """Tell a client what a grant of it allows."""

        async def serve(holder: Holder) -> Answer:
            now, named = self.clock.now(), call.captured["grant_id"]
            return json_answer(await self.management.query(holder, named, now))

        return await self._resource(QUERY).answered(call, serve)

    async def revoke(self, call: Call) -> Answer:
        """End a grant."""

        async def serve(holder: Holder) -> Answer:
            await self.management.revoke(holder, call.captured["grant_id"], self.clock.now())
            return empty(204)

        return await self._resource(REVOKE).answered(call, serve)

    def _resource(self, scope: str) -> Resource:
        return Resource(access=self.access, clock=self.clock, scope=scope)
