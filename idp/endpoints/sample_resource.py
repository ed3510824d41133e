"""A protected resource to try tokens on: what a resource server of a relying party would be.

It is judged like every resource of ours (RFC 6750, RFC 9449 §7, RFC 8705 §3), and can demand a
level of authentication (RFC 9470): ``/resource?acr_values=...&max_age=...``.
"""

from dataclasses import dataclass
from email.utils import formatdate

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.mounting import Mount
from idp.endpoints.resource import Resource
from idp.flows.access import Access, Holder
from idp.protocol.step_up import Demand


@dataclass(frozen=True, slots=True)
class SampleResource:
    """``GET`` and ``POST /resource``."""

    access: Access
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.access.issuer)
        return [
            Route(
                path=f"{mount.path}/resource",
                endpoints={"GET": self.show, "POST": self.show},
                budget="tokens",
                origins=(mount.origin,),
            )
        ]

    async def show(self, call: Call) -> Answer:
        """Tell the holder of a token what the token says."""
        now = self.clock.now()

        async def serve(holder: Holder) -> Answer:
            demand = Demand.of(dict(call.query()))
            demand.check(holder.authorization, now)
            await self.access.check_person(holder)
            answer = json_answer(
                {
                    "sub": holder.token.subject,
                    "client_id": holder.token.client_id,
                    "scope": " ".join(holder.token.scope),
                }
            )
            answer.headers.append((b"date", formatdate(now, usegmt=True).encode()))
            return answer

        return await Resource(access=self.access, clock=self.clock, scope="").answered(call, serve)
