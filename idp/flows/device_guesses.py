"""Budgets on guessing user codes, which lock nobody out (RFC 8628 §5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from config.runtime.limits import Charge, Limits, Rate, network_of
from config.settings import Limits as Rates
from idp.flows.login_ground import Visit


class SignInFirst(Exception):
    """Too many wrong codes came from this browser, this network, or from everywhere.

    Who is signed in has a budget of their own, so nobody can use up somebody else's.
    """


class TooManyCodes(Exception):
    """This person typed too many wrong codes; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many wrong codes by one person")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class DeviceGuesses:
    """Charges each code in advance; the charge of a right one is given back.

    ``secret`` (16 to 64 bytes) hides in the keys of ``limits`` whom they concern.
    """

    limits: Limits
    rates: Rates
    secret: bytes

    async def charge(self, visit: Visit, resident_id: str | None, now: int) -> Sequence[Charge]:
        """Return what was charged, or raise SignInFirst, or TooManyCodes for who did."""
        if resident_id is not None:
            charges = [
                self._charge("resident", resident_id, self.rates.device_guesses_per_resident)
            ]
        else:
            browser, network = visit.browser.hex(), network_of(visit.address)
            charges = [
                self._charge("browser", browser, self.rates.device_guesses_per_browser),
                self._charge("address", network, self.rates.device_guesses_per_address),
                self._charge("all", "", self.rates.device_guesses),
            ]
        verdict = await self.limits.spend(charges, now)
        if verdict.allowed:
            return charges
        raise SignInFirst if resident_id is None else TooManyCodes(verdict.retry_after)

    async def give_back(self, charges: Sequence[Charge], now: int) -> None:
        """Undo what was charged for a right code."""
        await self.limits.give_back(charges, now)

    def _charge(self, limit: str, whom: str, rate: str) -> Charge:
        hidden = blake2b(whom.encode(), key=self.secret, digest_size=16).hexdigest()
        return Charge(f"device-codes-{limit}:{hidden}", Rate.parse(rate))
