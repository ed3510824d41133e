"""The token endpoint (RFC 6749 §3.2)."""

from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.challenges import tell_nonce
from config.runtime.web.sites import Route
from idp.endpoints.machine import answered
from idp.endpoints.mounting import Mount
from idp.flows.tokens import Tokens
from idp.protocol.carried import Carried
from idp.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """``POST /token``."""

    tokens: Tokens
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.tokens.issuer.address)
        return [
            Route(
                path=f"{mount.path}/token",
                endpoints={"POST": self.token},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def token(self, call: Call) -> Answer:
        """Exchange a grant for tokens."""
        return await answered(call, self._exchange)

    async def _exchange(self, asked: Parameters, carried: Carried) -> Answer:
        issued = await self.tokens.exchange(asked, carried, self.clock.now())
        answer = json_answer(issued.answer)
        tell_nonce(answer, issued.nonce)
        self.tokens.crash_here("before_reply")
        return answer
