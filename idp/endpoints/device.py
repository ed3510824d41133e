"""The device authorization endpoint (RFC 8628 §3.1)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.limits import network_of
from config.runtime.web.addresses import TrustedProxies
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.device import DeviceAuthorization
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class DeviceEndpoint:
    """``POST /device_authorization``."""

    devices: DeviceAuthorization
    clock: Clock
    proxies: TrustedProxies

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.devices.issuer.address)
        return [
            Route(
                path=f"{mount.path}/device_authorization",
                endpoints={"POST": self.begin},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def begin(self, call: Call) -> Answer:
        """Give a device its codes."""
        network = network_of(call.client_address(self.proxies))

        async def act(asked: Parameters, carried: Carried) -> Answer:
            return json_answer(await self.devices.begin(asked, carried, network, self.clock.now()))

        return await answered(call, act)
