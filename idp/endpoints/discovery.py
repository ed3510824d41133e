"""The metadata of an issuer (OpenID Connect Discovery 1.0 §4, RFC 8414 §3)."""

from dataclasses import dataclass

import msgspec

from config.runtime.web.cached import Cached
from config.runtime.web.sites import Route
from config.settings import Issuer
from idp.endpoints.mounting import Mount
from idp.protocol.discovery import Offer, metadata, well_known_paths


@dataclass(frozen=True, slots=True)
class DiscoveryEndpoint:
    """Both well-known addresses. ``max_age`` is in seconds."""

    issuer: Issuer
    offer: Offer
    max_age: int

    def routes(self) -> list[Route]:
        """Return the routes; what they answer is made now and never again."""
        mount = Mount.of(self.issuer.address)
        body = msgspec.json.encode(metadata(self.issuer, self.offer))
        cached = Cached(body, "application/json", self.max_age)
        return [
            Route(
                path=path,
                endpoints={"GET": cached.endpoint},
                budget="tokens",
                cors=True,
                origins=(mount.origin,),
            )
            for path in well_known_paths(self.issuer.address)
        ]
