"""Signatures with their time-stamps and the status of their certificates, in one answer.

Nothing here signs for anybody: the stamps and answers are those that whoever has the signatures
could ask for one by one. They are made anew each time; the signatures of an order stay the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from config.runtime.clock import Clock
from config.runtime.database.unit import DatabaseUnavailable
from keystore.authority.authority import Authority
from keystore.authority.profiles import Kind
from keystore.authority.responder import Responder
from keystore.door import KeyServiceUnavailable
from keystore.signing.digests import HashAlgorithm
from keystore.signing.door import Attested, Beside, Imprint, Signed, SigningOrder
from keystore.signing.structures.stamping import covered
from keystore.timestamping.stamping import Stamping

_HASH = HashAlgorithm.SHA256


@dataclass(frozen=True, slots=True, kw_only=True)
class Attesting:
    """Has an order signed by ``sign``, and made what is wanted beside."""

    sign: Callable[[SigningOrder], Awaitable[list[Signed]]]
    stamping: Stamping
    responder: Responder
    authority: Authority
    clock: Clock

    async def attested(self, order: SigningOrder, beside: Beside) -> Attested:
        """See Documents.sign_attested."""
        signed = await self.sign(order)
        octets = [covered(plan, one) for plan, one in zip(order.plans, signed, strict=True)]
        stamped = [one for one in octets if one is not None]
        if beside is Beside.NOTHING or len(stamped) < len(signed):
            return Attested(signed)
        imprints = [Imprint(_HASH, _HASH.of(one)) for one in stamped]
        try:
            if beside is Beside.TIMESTAMPS:
                return Attested(signed, await self.stamping.tokens(imprints))
            return await self._with_statuses(signed, imprints)
        except (KeyServiceUnavailable, DatabaseUnavailable):  # whoever asks for the rest is told
            return Attested(signed)

    async def _with_statuses(
        self, signed: Sequence[Signed], imprints: Sequence[Imprint]
    ) -> Attested:
        ends = dict.fromkeys(one.certificate for one in signed)
        asked = [*ends, self.authority.own(Kind.STAMPING).certificate]
        timestamps, answers = await asyncio.gather(
            self.stamping.tokens(imprints), self.responder.statuses(asked, self.clock.now())
        )
        return Attested(signed, timestamps, dict(zip(asked, answers, strict=True)))
