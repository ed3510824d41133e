"""How many requests of public clients one network may make: anybody can send those."""

from dataclasses import dataclass
from hashlib import blake2b

from config.runtime.limits import Charge, Limits, Rate
from idp.protocol.client import Client
from idp.protocol.errors import TemporarilyUnavailable


@dataclass(frozen=True, slots=True)
class PublicPace:
    """Counts the requests of one ``kind``.

    ``secret`` (16 to 64 bytes) hides in the keys of ``limits`` whom they concern.
    """

    kind: str
    limits: Limits
    rate: Rate
    secret: bytes

    async def begin(self, client: Client, network: str, now: int) -> None:
        """Charge one request of a public client, or raise TemporarilyUnavailable."""
        if not client.is_public:
            return
        hidden = blake2b(network.encode(), key=self.secret, digest_size=16).hexdigest()
        verdict = await self.limits.spend((Charge(f"{self.kind}:{hidden}", self.rate),), now)
        if not verdict.allowed:
            raise TemporarilyUnavailable("too many requests of public clients from this network")
