"""Several sources of time-stamps, asked one after the other until one has stamped."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from esignet.evidence.timestamps.port import NotStamped, Stamped, Stamps, TimestampsUnavailable
from keystore.door import KeyServiceUnavailable
from keystore.signing.door import Imprint

_log = logging.getLogger("symbolon.esignet")


@dataclass(frozen=True, slots=True)
class InOrder:
    """Asks ``sources`` from the first to the last, for what has to last ``archives`` if given."""

    sources: Sequence[Stamps]
    archives: Sequence[Stamps] = ()
    name: str = "in order"

    @property
    def is_ours(self) -> bool:
        """Return whether the first one is ours."""
        return self.sources[0].is_ours

    async def stamped(self, imprints: Sequence[Imprint], *, archive: bool = False) -> Stamped:
        """Return what the first source gives that has any. Raises TimestampsUnavailable."""
        for source in (self.archives if archive else ()) or self.sources:
            try:
                return await source.stamped(imprints, archive=archive)
            except NotStamped as lack:
                _log.warning("no time-stamp of %s: %s", source.name, lack)
            except KeyServiceUnavailable:
                _log.warning("no time-stamp of %s: away", source.name)
        raise TimestampsUnavailable

    async def close(self) -> None:
        """Close every source."""
        each = {id(source): source for source in (*self.sources, *self.archives)}
        await asyncio.gather(*(source.close() for source in each.values()))
