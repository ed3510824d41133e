"""The userinfo endpoint (OpenID Connect Core 1.0 §5.3)."""

from dataclasses import dataclass

from config.runtime.web.answer import Answer, bytes_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.mounting import Mount
from idp.endpoints.resource import Resource
from idp.flows.access import Holder
from idp.flows.userinfo import Userinfo


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """``GET`` and ``POST /userinfo``."""

    userinfo: Userinfo
    resource: Resource

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.userinfo.issuer.address)
        return [
            Route(
                path=f"{mount.path}/userinfo",
                endpoints={"GET": self.tell, "POST": self.tell},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def tell(self, call: Call) -> Answer:
        """Tell the holder of an access token what was granted."""
        return await self.resource.answered(call, self._told)

    async def _told(self, holder: Holder) -> Answer:
        told = await self.userinfo.tell(holder)
        return bytes_answer(told.body, told.content_type)
