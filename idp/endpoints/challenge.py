"""The challenge endpoint (draft-ietf-oauth-attestation-based-client-auth-10 §6.1)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.web.answer import Answer, json_answer
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.answers import refusal_answer
from idp.endpoints.mounting import Mount
from idp.protocol.errors import TemporarilyUnavailable
from keystore.door import KeyServiceUnavailable


@dataclass(frozen=True, slots=True)
class ChallengeEndpoint:
    """``POST /challenge``: anybody may ask; nothing is stored for it."""

    address: str
    newest: Callable[[int], Awaitable[str]]
    clock: Clock

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.address)
        return [
            Route(
                path=f"{mount.path}/challenge",
                endpoints={"POST": self.challenge},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def challenge(self, call: Call) -> Answer:
        """Tell the challenge of these minutes."""
        try:
            challenge = await self.newest(self.clock.now())
        except KeyServiceUnavailable:
            return refusal_answer(TemporarilyUnavailable("the key service is away"), call)
        return json_answer({"attestation_challenge": challenge})
