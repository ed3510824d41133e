"""The same order again gets the same signatures: for whoever died, or lost the line, meanwhile.

An activation signs once. What it signed is kept until it expires, readable only with the activation
itself and only for the very same order; for any other order the activation is used up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from config.runtime.entropy import Entropy
from keystore.cells import Cells
from keystore.door import BadSeal
from keystore.signing.activation import LIFETIME
from keystore.signing.door import Signed, SigningOrder, UsedBefore
from keystore.stores.kept_signatures import KeptSignatures

_SIGNATURES = msgspec.msgpack.Decoder(list[Signed])


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Signs an order by ``sign``, once. What began goes on when the caller hangs up."""

    sign: Callable[[SigningOrder], Awaitable[list[Signed]]]
    kept: KeptSignatures
    clock: Clock
    entropy: Entropy
    _running: dict[bytes, asyncio.Task[list[Signed]]] = field(default_factory=dict)

    async def signed(self, order: SigningOrder) -> list[Signed]:
        """Return the signatures of ``order``, those of the first time if it comes again.

        Raises NotActivated, NotPermitted, KeyServiceUnavailable.
        """
        place = _derived(b"place", order)
        while (running := self._running.get(place)) is not None:
            await asyncio.wait([running])
        task = asyncio.get_running_loop().create_task(self._once(place, order))
        self._running[place] = task
        return await asyncio.shield(task)

    async def _once(self, place: bytes, order: SigningOrder) -> list[Signed]:
        cells, same = Cells(_derived(b"key", order), self.entropy), _same(order)
        try:
            made = await self.sign(order)
            sealed = cells.seal(msgspec.msgpack.encode(made), same)
            with suppress(DatabaseUnavailable):  # the signatures are made, and go to the caller
                await self.kept.keep(place, sealed, self.clock.now() + LIFETIME)
            return made
        except UsedBefore:
            answer = await self.kept.find(place, self.clock.now())
            if answer is None:
                raise
            try:
                return _SIGNATURES.decode(cells.open(answer, same))
            except BadSeal:
                raise UsedBefore("the activation was used before, for something else") from None
        finally:
            del self._running[place]


def _derived(use: bytes, order: SigningOrder) -> bytes:
    """Return 32 octets that only the activation leads to: its signature is nowhere else."""
    return sha256(b"symbolon kept signatures " + use + b"\0" + order.activation.encode()).digest()


def _same(order: SigningOrder) -> bytes:
    """Return the hash of all that is asked for."""
    asked = [order.hash_algorithm, list(order.digests), list(order.plans), order.one_key]
    return sha256(msgspec.msgpack.encode(asked)).digest()
