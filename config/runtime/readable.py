"""Long octets that can be read from any place, and never are in memory as a whole."""

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """``read`` yields the octets of a range within ``size``; ``tag`` is of these octets alone."""

    size: int
    tag: str
    read: Callable[[range], AsyncGenerator[bytes, None]]

    def whole(self) -> AsyncGenerator[bytes, None]:
        """Yield all of it."""
        return self.read(range(self.size))


def held(octets: bytes) -> Readable:
    """Return what is in memory already as something to be read."""

    async def read(wanted: range) -> AsyncGenerator[bytes, None]:
        yield octets[wanted.start : wanted.stop]

    return Readable(size=len(octets), tag=hashlib.sha256(octets).hexdigest(), read=read)
