"""The pushed authorization request endpoint (RFC 9126 §2)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.limits import network_of
from config.runtime.web.addresses import TrustedProxies
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.challenges import tell_nonce
from config.runtime.web.sites import Route
from idp.endpoints.machine import USUAL, Room, answered
from idp.endpoints.mounting import Mount
from idp.flows.pushing import Pushing
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters
from idp.protocol.signing import LONGEST_PUSHED
from keystore.jose.reader import LONGEST_TOKEN

DOCUMENTS = Room(
    body=524_288,
    longer={"authorization_details": LONGEST_PUSHED, "request": LONGEST_TOKEN},
)
"""For lists of documents to be signed: their names may be encoded at six bytes a letter."""


@dataclass(frozen=True, slots=True)
class ParEndpoint:
    """``POST /par``."""

    pushing: Pushing
    clock: Clock
    proxies: TrustedProxies

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.pushing.requests.issuer.address)
        return [
            Route(
                path=f"{mount.path}/par",
                endpoints={"POST": self.push},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def push(self, call: Call) -> Answer:
        """Keep an authorization request and say what it is called."""
        network = network_of(call.client_address(self.proxies))

        async def act(asked: Parameters, carried: Carried) -> Answer:
            pushed = await self.pushing.push(asked, carried, network, self.clock.now())
            answer = json_answer(pushed.answer, 201)
            tell_nonce(answer, pushed.nonce)
            return answer

        offers_signing = bool(self.pushing.requests.issuer.features.signing_service)
        return await answered(call, act, DOCUMENTS if offers_signing else USUAL)
