"""How often something may happen: the generic cell rate algorithm, in memory and in Redis.

One number per key says when its budget will be full again (ITU-T I.371, "theoretical arrival
time"). Limits may be lost (R3): they slow an attacker down, the database is what stops one.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from config.runtime.redis import Redis, RedisUnavailable, Script

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` events in ``seconds`` in the long run, ``burst`` of them at once (0: ``count``)."""

    count: int
    seconds: int
    burst: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seconds < 1 or self.burst < 0:
            raise ValueError("a rate needs at least one event in at least one second")
        if self.count > self.seconds * _MICROSECONDS:
            raise ValueError("a rate allows at most one event a microsecond")

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read ``10/3600`` or ``10/3600/3`` (count, seconds, burst); ValueError for another."""
        parts = text.split("/")
        if not 2 <= len(parts) <= 3:
            raise ValueError(f"not a rate: {text!r}; write it as 10/3600")
        return cls(*(int(part) for part in parts))

    @property
    def interval(self) -> int:
        """Return the microseconds that one event costs."""
        return self.seconds * _MICROSECONDS // self.count

    @property
    def tolerance(self) -> int:
        """Return the microseconds of budget that can be saved up."""
        return self.interval * (self.burst or self.count)


@dataclass(frozen=True, slots=True)
class Charge:
    """``cost`` events against ``key``, which names the limit and whom it concerns."""

    key: str
    rate: Rate
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may happen; if not, after how many seconds to ask again and because of which key.

    ``retry_after`` is 0 when it is allowed.
    """

    allowed: bool
    retry_after: int = 0
    key: str = ""


ALLOWED = Verdict(True)


class Limits(Protocol):
    async def spend(self, charges: Sequence[Charge], now: int) -> Verdict:
        """Spend every charge, or none when one of them has no budget left.

        The keys are different from one another. Never fails: where a shared store is lost, the
        limits of this process hold alone.
        """
        ...

    async def give_back(self, charges: Sequence[Charge], now: int) -> None:
        """Undo a ``spend``: what was charged in advance turned out to be harmless."""
        ...


class MemoryLimits:
    """Limits of this process alone: at most ``entries`` keys; the least used leave first."""

    def __init__(self, entries: int = 100_000) -> None:
        self._entries = entries
        self._full_at: OrderedDict[str, int] = OrderedDict()

    async def spend(self, charges: Sequence[Charge], now: int) -> Verdict:
        at = now * _MICROSECONDS
        spent = []
        for charge in charges:
            rate = charge.rate
            full_at = max(self._full_at.get(charge.key, at), at) + charge.cost * rate.interval
            wait = full_at - rate.tolerance - at
            if wait > 0:
                return _refused(charge.key, wait)
            spent.append((charge.key, full_at))
        for key, full_at in spent:
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
        while len(self._full_at) > self._entries:
            self._full_at.popitem(last=False)
        return ALLOWED

    async def give_back(self, charges: Sequence[Charge], now: int) -> None:
        for charge in charges:
            full_at = self._full_at.get(charge.key, 0) - charge.cost * charge.rate.interval
            if full_at > now * _MICROSECONDS:
                self._full_at[charge.key] = full_at
            else:
                self._full_at.pop(charge.key, None)


_KEEP = """
local function keep(key, at, now)
  -- longer than it says anything: now is in whole seconds, and no two clocks are the same
  local milliseconds = math.ceil((at - now) / 1000) + 5000
  redis.call('SET', key, string.format('%.0f', at), 'PX', milliseconds)
end
local now = tonumber(ARGV[1])
"""

_SPEND = Script(
    _KEEP
    + """
local full = {}
for i, key in ipairs(KEYS) do
  local at = math.max(tonumber(redis.call('GET', key) or now), now) + tonumber(ARGV[2 * i])
  local wait = at - tonumber(ARGV[2 * i + 1]) - now
  if wait > 0 then return {i, wait} end
  full[i] = at
end
for i, key in ipairs(KEYS) do keep(key, full[i], now) end
return {0, 0}
"""
)

_GIVE_BACK = Script(
    _KEEP
    + """
for i, key in ipairs(KEYS) do
  local at = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[i + 1])
  if at > now then keep(key, at, now) else redis.call('DEL', key) end
end
return 0
"""
)


class RedisLimits:
    """Limits that all web processes share; without Redis each process goes on by itself.

    ``secret`` (16 to 64 bytes, the same in every process) hides what the keys say: a phone number
    or an address is not to be read, nor found by trying, in Redis (R10).
    """

    def __init__(self, redis: Redis, secret: bytes, local: MemoryLimits) -> None:
        if not 16 <= len(secret) <= 64:
            raise ValueError("the secret of the limits has 16 to 64 bytes")
        self._redis = redis
        self._secret = secret
        self._local = local

    async def spend(self, charges: Sequence[Charge], now: int) -> Verdict:
        values = [now * _MICROSECONDS]
        for charge in charges:
            values += [charge.cost * charge.rate.interval, charge.rate.tolerance]
        try:
            index, wait = await self._redis.run(_SPEND, self._names(charges), values)
        except RedisUnavailable:
            return await self._local.spend(charges, now)
        return _refused(charges[index - 1].key, wait) if index else ALLOWED

    async def give_back(self, charges: Sequence[Charge], now: int) -> None:
        values = [charge.cost * charge.rate.interval for charge in charges]
        try:
            await self._redis.run(_GIVE_BACK, self._names(charges), [now * _MICROSECONDS, *values])
        except RedisUnavailable:
            await self._local.give_back(charges, now)

    def _names(self, charges: Sequence[Charge]) -> list[str]:
        return [
            "limit:" + blake2b(charge.key.encode(), key=self._secret, digest_size=16).hexdigest()
            for charge in charges
        ]


def _refused(key: str, wait: int) -> Verdict:
    return Verdict(False, -(-wait // _MICROSECONDS), key)


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, the /56 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 56), strict=False))
    return str(parsed)
