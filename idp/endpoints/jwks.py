"""The issuer's public keys (RFC 7517 §5), from memory."""

from dataclasses import dataclass, field

from config.runtime.web.answer import Answer
from config.runtime.web.cached import Cached
from config.runtime.web.call import Call
from config.runtime.web.sites import Route
from idp.endpoints.answers import refusal_answer
from idp.endpoints.mounting import Mount
from idp.flows.issuer_keys import IssuerKeys, Published
from idp.protocol.errors import TemporarilyUnavailable
from keystore.door import KeyServiceUnavailable


@dataclass(slots=True)
class JwksEndpoint:
    """``GET /jwks``. ``max_age`` in seconds: a new key is published at least so long before use."""

    address: str
    keys: IssuerKeys
    max_age: int
    _made_of: Published | None = field(default=None, init=False)
    _cached: Cached | None = field(default=None, init=False)

    def routes(self) -> list[Route]:
        """Return the route under the issuer's address."""
        mount = Mount.of(self.address)
        return [
            Route(
                path=f"{mount.path}/jwks",
                endpoints={"GET": self.jwks},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
        ]

    async def jwks(self, call: Call) -> Answer:
        """Answer the keys that are published now."""
        try:
            published = await self.keys.published()
        except KeyServiceUnavailable:
            return refusal_answer(TemporarilyUnavailable("the keys are not known at present"), call)
        if self._cached is None or published is not self._made_of:
            self._made_of = published
            self._cached = Cached(published.jwks, "application/json", self.max_age)
        return self._cached.answer(call)
