"""Revocation lists of somebody else's authority, which prove years later that it was good."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from config.runtime.cache import Cache
from config.runtime.clock import Clock
from config.runtime.outbound import Fetcher, FetchFailed
from esignet.evidence.timestamps.port import NotStamped
from keystore.checking.paths import Path
from keystore.checking.revocation import answers, is_current, never_revoked

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

    async def about(self, path: Path) -> tuple[bytes, ...]:
        """Return lists in DER which tell that no certificate of ``path`` is revoked.

        Nothing without addresses. Raises NotStamped (``revocation``).
        """
        if not self.addresses:
            return ()
        loads = (self.kept.get(one, partial(self._list, one)) for one in self.addresses)
        lists = tuple(await asyncio.gather(*loads))
        now = self.clock.now()
        current = [one for one in lists if is_current(one, now)]
        for certificate, issuer in path.links:
            if never_revoked(certificate):
                continue
            known = answers(certificate, issuer, (), current)
            if not known:
                raise NotStamped("revocation", "no current list tells of a certificate")
            if any(one.revoked_at is not None for one in known):
                raise NotStamped("revocation", "a certificate is revoked")
        return lists

    async def _list(self, address: str) -> bytes:
        try:
            fetched = await self.fetcher.get(address, _KINDS, LARGEST, self.seconds)
        except FetchFailed as failure:
            raise NotStamped("revocation", f"a list is not there: {failure.reason}") from None
        return fetched.body
