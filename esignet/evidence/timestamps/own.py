"""The time-stamp authority of the key service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from config.settings.esignet import TimestampSource
from esignet.evidence.timestamps.port import Ground, Stamped, Stamps
from keystore.checking.timestamp import read_token
from keystore.signing.door import Imprint


class Authority(Protocol):
    """What of the key service is needed here (`keystore.signing.door.Documents`)."""

    async def timestamps(
        self, imprints: Sequence[Imprint], *, archive: bool = False
    ) -> list[bytes]:
        """Return a TimeStampToken of each."""
        ...


def build(source: TimestampSource, ground: Ground) -> Stamps:
    """Return the source; nothing of ``source`` matters to it."""
    return OwnStamps(ground.documents)


@dataclass(frozen=True, slots=True)
class OwnStamps:
    """Has imprints stamped by the key service."""

    authority: Authority
    name: str = "own"
    is_ours: bool = True

    async def stamped(self, imprints: Sequence[Imprint], *, archive: bool = False) -> Stamped:
        """See Stamps.stamped."""
        tokens = await self.authority.timestamps(imprints, archive=archive)
        return Stamped(tokens=tokens, ours=read_token(tokens[0]).certificate)

    async def close(self) -> None:
        """Leave the key service's connection to whoever opened it."""
