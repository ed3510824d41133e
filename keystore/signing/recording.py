"""What stands before a signature does: the activation is used up, and the audit has its record."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.database.unit import Database, Refused, Write
from keystore.door import KeyServiceUnavailable
from keystore.jose import writer
from keystore.keyring import KeyRing
from keystore.purposes import OwnRing, Role
from keystore.signing import log
from keystore.signing.activation import Activation
from keystore.signing.door import UsedBefore
from keystore.stores.activations import use


class Overtaken(KeyServiceUnavailable):
    """What was read changed before it was used: nothing was done, and it can be done anew."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Uses activations up, and signs what the key service says of itself."""

    ring: KeyRing
    database: Database

    async def use_up(
        self, jti: str, exp: int, writes: Sequence[Write], entries: Sequence[AuditEntry]
    ) -> None:
        """Do all of it in one unit: the activation ``jti``, ``writes``, and the audit ``entries``.

        Raises UsedBefore, and Overtaken when one of ``writes`` was.
        """
        using, audit = use(jti, exp), DatabaseAudit()
        try:
            await self.database.submit(using, *writes, *(audit.write(one) for one in entries))
        except Refused as reason:
            if reason.write is using:
                raise UsedBefore("the activation was used before") from None
            raise Overtaken("somebody else was quicker; nothing was done") from None

    async def promises(
        self, entries: Sequence[AuditEntry], approved: Activation, now: int
    ) -> list[str]:
        """Return the promise that the log will hold each entry."""
        told = approved.told()
        claims = [log.promise_claims(entry, now, told) for entry in entries]
        return await self.tokens(OwnRing.AUDIT, log.PROMISE, claims)

    async def tokens(
        self, ring: OwnRing, typ: str, claims: Sequence[bytes], role: Role = Role.ESIGNET
    ) -> list[str]:
        """Return a token of our own of each, on behalf of ``role``."""
        key = self.ring.own(ring)
        header = writer.own_header(typ, key.algorithm, key.kid)
        inputs = [writer.signing_input(header, one) for one in claims]
        signatures = await self.ring.sign_own(ring, inputs, role)
        return [writer.compact(*pair) for pair in zip(inputs, signatures, strict=True)]
