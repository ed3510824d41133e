"""Revocation lists of somebody else's authority, which prove years later that it was good."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.outbound import Fetcher, FetchFailed
from esignet.evidence.timestamps.port import NotStamped
from keystore.checking.revocation import is_current

KEPT = 600.0
"""Seconds for which a list is taken from memory."""

LARGEST = 1 << 20
"""Octets of a list: it goes into every signature that is meant to last."""

_KINDS = ("application/pkix-crl", "application/x-pkcs7-crl", "application/octet-stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists at ``addresses``; each is there within ``seconds``."""

    addresses: Sequence[str]
    fetcher: Fetcher
    clock: Clock
    kept: Cache[str, bytes]
    seconds: float

    async def every(self) -> tuple[bytes, ...]:
        """Return each list in DER. Raises NotStamped (``revocation``) where one is not there."""
        loads = (self.kept.get(one, partial(self._list, one)) for one in self.addresses)
        # Nobody is left asking when this returns: all are waited for, whatever one of them says.
        found = await asyncio.gather(*loads, return_exceptions=True)
        lists = []
        for one in found:
            if isinstance(one, BaseException):
                raise one
            lists.append(one)
        return tuple(lists)

    def current(self, lists: Sequence[bytes]) -> list[bytes]:
        """Return those of which the next one is not due yet."""
        now = self.clock.now()
        return [one for one in lists if is_current(one, now)]

    async def _list(self, address: str) -> bytes:
        try:
            fetched = await self.fetcher.get(address, _KINDS, LARGEST, self.seconds)
        except FetchFailed as failure:
            raise NotStamped("revocation", f"a list is not there: {failure.reason}") from None
        return fetched.body
