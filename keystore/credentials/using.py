"""Signing with a stored credential: the same order of things as with a one-time key.

The activation is judged, the row is found whole and of its holder, every plan is tried; then one
unit uses the activation up, holds the row to what was read, and writes the audit entries. Only then
is the key unwrapped in the token, used, and destroyed there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from config.runtime.audit.records import AuditEntry
from keystore.backends.backend import UnknownKey
from keystore.backends.registry import Backends
from keystore.credentials.finding import Finding
from keystore.credentials.record import CredentialRecord
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.purposes import Act, OwnSecret, Role
from keystore.signing.activation import Activation
from keystore.signing.door import Approval, Signed, SigningOrder
from keystore.signing.recording import Overtaken, Recording
from keystore.signing.structures.building import build
from keystore.signing.structures.structure import BadPlan, Built, Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSigning:
    """Signs with keys that lie wrapped. ``signs_hashes`` is whether hashes are signed as they are
    (CSC signHash).
    """

    finding: Finding
    backends: Backends
    recording: Recording
    signs_hashes: bool

    async def usable(self, approval: Approval, now: int) -> CredentialRecord:
        """Return the approved credential if it can sign for whom it is said to be.

        Raises NotPermitted, KeyServiceUnavailable.
        """
        if approval.raw and not self.signs_hashes:
            raise NotPermitted("no hashes are signed as they are here")
        return await self.finding.usable(
            approval.credential, approval.client_id, approval.subject, now=now
        )

    async def signed(self, order: SigningOrder, approved: Activation, now: int) -> list[Signed]:
        """Return a signature per plan. Raises NotActivated, NotPermitted, KeyServiceUnavailable."""
        try:
            return await self._signed(order, approved, now)
        except Overtaken:  # the row came under another key of ours, and is read again
            return await self._signed(order, approved, now)

    async def _signed(self, order: SigningOrder, approved: Activation, now: int) -> list[Signed]:
        record = await self.usable(approved, now)
        ground = Ground(
            hash_algorithm=order.hash_algorithm,
            digests=order.digests,
            certificate=record.chain[0],
            chain=record.chain[1:-1],
            alg=record.algorithm.value,
            now=now,
        )
        try:
            built = [build(plan, ground) for plan in order.plans]
        except BadPlan as reason:
            raise NotPermitted(str(reason)) from reason
        entries = [_entry(approved, number, record, now) for number in range(len(built))]
        held = self.finding.store.use(record, now)
        await self.recording.use_up(approved.jti, approved.exp, [held], entries)
        values = await self._values(record, built, raw=approved.raw)
        promises = await self.recording.promises(entries, approved, now)
        return [
            Signed(
                parts=one.parts,
                value=value,
                alg=record.algorithm.value,
                certificate=record.chain[0],
                chain=record.chain[1:],
                signed_at=now,
                promise=promise.encode(),
            )
            for one, value, promise in zip(built, values, promises, strict=True)
        ]

    async def _values(
        self, record: CredentialRecord, built: Sequence[Built], *, raw: bool
    ) -> list[bytes]:
        ring = self.finding.binding.ring
        kek = next(
            (key for key in ring.secrets(OwnSecret.WRAPPING) if key.kid == record.wrapped_by), None
        )
        if kek is None:
            raise KeyServiceUnavailable("the key that wrapped this credential is gone")
        ring.note(Act.OPEN, OwnSecret.WRAPPING, kek)
        backend, octets = self.backends.of(kek.ref), [one.signed for one in built]
        try:
            if raw:
                return await backend.sign_wrapped_digests(kek.ref, record.blob, octets)
            return await backend.sign_wrapped(kek.ref, record.blob, record.algorithm, octets)
        except UnknownKey as reason:
            raise KeyServiceUnavailable("the token does not open this credential") from reason


def _entry(approved: Activation, number: int, record: CredentialRecord, now: int) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=Role.ESIGNET,
        action="hash.signed" if approved.raw else "document.signed",
        about=f"{approved.jti}.{number}",
        details={
            "client": approved.client_id,
            "approved": approved.digests.hex(),
            "count": approved.count,
            "serial": record.serial,
            "credential": record.id,
        },
    )
