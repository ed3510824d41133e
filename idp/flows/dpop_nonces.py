"""Nonces that DPoP proofs must hold: ours, fresh, and stored nowhere (RFC 9449 §8, §9)."""

import hmac
from base64 import urlsafe_b64encode

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from idp.protocol.errors import UseDpopNonce
from keystore.door import Door, KeyServiceUnavailable, MacPurpose

WINDOW = 120
"""Seconds after which there is a new nonce. The one before is still good."""

AHEAD = 3
"""Windows that are made in advance: so long the key service may be away."""

Windows = dict[int, tuple[str, ...]]
"""Nonces by window; under every version of the key, the newest first."""


class DpopNonces:
    """The nonces of one issuer: a keyed hash of the time, the same in every web server.

    The key service is asked once in a window, and not for a request. ``purpose`` is whose nonces
    they are: who makes those of another server cannot make these.
    """

    def __init__(
        self, issuer: str, door: Door, clock: Clock, purpose: MacPurpose = MacPurpose.NONCE
    ) -> None:
        self._issuer = issuer
        self._purpose = purpose
        self._door = door
        self._cache: Cache[int, Windows] = Cache(clock, entries=2, seconds=2 * WINDOW)
        self._last: Windows = {}

    async def check(self, nonce: str | None, now: int) -> str | None:
        """Return the nonce to use from now on if ``nonce`` is an old one, None if it is the newest.

        Raises UseDpopNonce, which tells the newest, for any other. That of the next window is good
        too: another host's clock may be a little ahead.
        """
        window = now // WINDOW
        made = await self._windows(window)
        newest = made[window][0]
        if _is_among((newest, *made[window + 1]), nonce):
            return None
        if _is_among((*made[window], *made[window - 1]), nonce):
            return newest
        raise UseDpopNonce("the proof needs the nonce of the header DPoP-Nonce", nonce=newest)

    async def newest(self, now: int) -> str:
        """Return the nonce of these minutes."""
        window = now // WINDOW
        return (await self._windows(window))[window][0]

    async def _windows(self, window: int) -> Windows:
        try:
            return await self._cache.get(window, lambda: self._make(window))
        except KeyServiceUnavailable:
            if window + 1 not in self._last:
                raise
            return self._last

    async def _make(self, window: int) -> Windows:
        wanted = range(window - 1, window + 2 + AHEAD)
        messages = [f"dpop\0{self._issuer}\0{each}".encode() for each in wanted]
        found = await self._door.macs(self._purpose, messages)
        texts = [tuple(_text(mac.value) for mac in macs) for macs in found]
        self._last = dict(zip(wanted, texts, strict=True))
        return self._last


def _is_among(known: tuple[str, ...], presented: str | None) -> bool:
    return presented is not None and any(
        hmac.compare_digest(one.encode(), presented.encode()) for one in known
    )


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value[:16]).rstrip(b"=").decode()
