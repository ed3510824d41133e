"""What proves that somebody else's authority is good: lists, and responders about the rest."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from esignet.evidence.timestamps.lists import Lists
from esignet.evidence.timestamps.port import NotStamped
from esignet.evidence.timestamps.responders import Responders
from esignet.formats.format import Evidence
from keystore.checking.paths import Path
from keystore.checking.revocation import answers, never_revoked
from keystore.checking.status import Link


@dataclass(frozen=True, slots=True)
class Standing:
    """The ``lists`` and ``responders`` of one source, each of which may be none."""

    lists: Lists
    responders: Responders

    async def about(self, path: Path) -> Evidence:
        """Return what tells that no certificate of ``path`` is revoked, with its certificates.

        Those alone where nobody is there to be asked. Raises NotStamped (``revocation``).
        """
        if not self.lists.addresses and not self.responders.addresses:
            return Evidence(certificates=path.der())
        crls = await self.lists.every()
        untold = list(_untold(path, self.lists.current(crls)))
        if untold and not self.responders.addresses:
            raise NotStamped("revocation", "no current list tells of a certificate")
        # Nobody is left asking when this returns: all are waited for, whatever one of them says.
        told = await asyncio.gather(*map(self.responders.good, untold), return_exceptions=True)
        responses = []
        for one in told:
            if isinstance(one, BaseException):
                raise one
            responses.append(one)
        return Evidence(certificates=path.der(), ocsp=tuple(responses), crls=crls)

    async def close(self) -> None:
        """Close the connections."""
        await self.lists.fetcher.close()
        await self.responders.fetcher.close()


def _untold(path: Path, current: Sequence[bytes]) -> Iterator[Link]:
    """Yield the certificates of which no list tells; raise NotStamped where one is revoked."""
    for link in path.links:
        if never_revoked(link[0]):
            continue
        known = answers(*link, (), current)
        if any(one.revoked_at is not None for one in known):
            raise NotStamped("revocation", "a certificate is revoked")
        if not known:
            yield link
