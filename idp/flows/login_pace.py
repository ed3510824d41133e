"""How many logins one network may begin: a bound on what a stranger can make us store."""

from dataclasses import dataclass
from hashlib import blake2b

from config.runtime.limits import Charge, Limits, Rate, network_of


class TooManyLogins(Exception):
    """This network began too many logins; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many logins from one network")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Pace:
    """``secret`` (16 to 64 bytes) hides in the keys of ``limits`` whom they concern."""

    limits: Limits
    rate: Rate
    secret: bytes

    async def begin(self, address: str, now: int) -> None:
        """Charge one login to the network of ``address``, or raise TooManyLogins."""
        place = network_of(address).encode()
        hidden = blake2b(place, key=self.secret, digest_size=16).hexdigest()
        verdict = await self.limits.spend((Charge(f"logins:{hidden}", self.rate),), now)
        if not verdict.allowed:
            raise TooManyLogins(verdict.retry_after)
