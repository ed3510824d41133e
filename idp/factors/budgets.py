"""Budgets that slow a guesser and a flooder down, and never shut out whom they pretend to be.

Wrong answers and unanswered codes are charged; a right answer gives back what it was charged. A
browser that proved this resident before spends a budget of its own and no other. Strangers spend
one budget per resident together, of which one network can take only half: whoever types another's
number again and again from one place uses up their own half. Each factor has its own.

Only Limits keep these counts, which may be lost; what must hold (tries and sends of a login) is
counted in the database.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from config.runtime.limits import Charge, Limits, Rate, network_of
from config.settings import Limits as Rates
from idp.factors.factor import Attempt

_PREFIX_DIGITS = 6
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Spending:
    """What was charged; ``allowed`` is False when a budget was used up and nothing was charged."""

    allowed: bool
    charges: tuple[Charge, ...]


class Budgets:
    """The budgets of all factors. ``secret`` (16 to 64 bytes) hides in keys whom they concern.

    Processes that share their Limits share the secret.
    """

    def __init__(self, limits: Limits, rates: Rates, secret: bytes) -> None:
        if not 16 <= len(secret) <= 64:
            raise ValueError("the secret of the budgets has 16 to 64 bytes")
        self._limits = limits
        self._secret = secret
        self._given_back: OrderedDict[str, None] = OrderedDict()
        self._sends_per_resident = Rate.parse(rates.otp_sends_per_resident)
        self._sends_per_phone = Rate.parse(rates.otp_sends_per_phone)
        self._sends_per_prefix = Rate.parse(rates.otp_sends_per_prefix)
        self._sends_per_client = Rate.parse(rates.otp_sends_per_client)
        self._sends_per_address = Rate.parse(rates.sends_per_address)
        self._wrong_per_resident = Rate.parse(rates.wrong_answers_per_resident)
        self._wrong_per_device = Rate.parse(rates.wrong_answers_per_device)
        self._wrong_per_address = Rate.parse(rates.wrong_answers_per_address)

    async def send(self, attempt: Attempt, to: str | None, now: int) -> Spending:
        """Charge one code to ``to`` (a phone number or e-mail address, None: nowhere to send)."""
        whom = self._whom(attempt)
        if attempt.device is not None:
            own = self._charge("send-device", whom + attempt.device, self._sends_per_resident)
            return await self._spend((own,), now)
        phone = to or attempt.login_id
        prefix = phone[: _PREFIX_DIGITS + 1] if phone.startswith("+") else attempt.login_id
        network = network_of(attempt.address)
        return await self._spend(
            (
                self._charge("send-share", whom + network, _half(self._sends_per_resident)),
                self._charge("send-resident", whom, self._sends_per_resident),
                self._charge("send-to", phone, self._sends_per_phone),
                self._charge("send-prefix", prefix, self._sends_per_prefix),
                self._charge("send-client", attempt.client_id, self._sends_per_client),
                self._charge("send-address", network, self._sends_per_address),
            ),
            now,
        )

    async def answer(self, attempt: Attempt, factor: str, now: int) -> Spending:
        """Charge one answer in advance; give it back when it turns out to be right."""
        whom = self._whom(attempt)
        if attempt.device is not None:
            key = f"{factor}\0{whom}{attempt.device}"
            return await self._spend(
                (self._charge("wrong-device", key, self._wrong_per_device),), now
            )
        network = network_of(attempt.address)
        key = f"{factor}\0{whom}"
        return await self._spend(
            (
                self._charge("wrong-share", key + network, _half(self._wrong_per_resident)),
                self._charge("wrong-resident", key, self._wrong_per_resident),
                self._charge("wrong-address", network, self._wrong_per_address),
            ),
            now,
        )

    async def give_back(self, charges: Sequence[Charge], now: int) -> None:
        """Undo charges: what they were for turned out to be the resident's own."""
        if charges:
            await self._limits.give_back(charges, now)

    async def give_back_once(self, name: str, charges: Sequence[Charge], now: int) -> None:
        """Undo charges the first time that this process hears ``name``.

        Somebody may send one right answer many times at once; each saw the same charges.
        """
        if name not in self._given_back:
            self._given_back[name] = None
            if len(self._given_back) > _MOST_REMEMBERED:
                self._given_back.popitem(last=False)
            await self.give_back(charges, now)

    def _whom(self, attempt: Attempt) -> str:
        # A stranger's budget cannot be seen from outside: its answers are all wrong anyway.
        return (attempt.resident.id if attempt.resident else attempt.login_id) + "\0"

    def _charge(self, limit: str, whom: str, rate: Rate) -> Charge:
        hidden = blake2b(whom.encode(), key=self._secret, digest_size=16).hexdigest()
        return Charge(f"{limit}:{hidden}", rate)

    async def _spend(self, charges: tuple[Charge, ...], now: int) -> Spending:
        verdict = await self._limits.spend(charges, now)
        return Spending(verdict.allowed, charges if verdict.allowed else ())


def _half(rate: Rate) -> Rate:
    """Return the share of one network: half of what there is, and at least one event."""
    burst = -(-(rate.burst or rate.count) // 2)
    return Rate(rate.count, rate.seconds * 2, burst)
