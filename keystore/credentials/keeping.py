"""Making and destroying stored credentials: each step leaves a record, none leaves a stray key.

A key is made in the token and leaves it wrapped at once. One unit uses the activation up, gives out
the serial number and writes the row, pending; only then is the certificate signed, and the row
completed. What stays pending is swept: its key is destroyed and its serial number revoked.
"""

from dataclasses import dataclass, replace

import msgspec

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.clock import Clock
from config.runtime.database.unit import Refused, Write
from config.runtime.entropy import Entropy
from keystore.authority.authority import Authority, Draft
from keystore.authority.profiles import DAY, Kind
from keystore.authority.revoking import Reason
from keystore.authority.showing import Showing
from keystore.backends.backend import Algorithm, UnknownKey, Unsupported, WrappedKey
from keystore.backends.registry import Backends
from keystore.credentials import activation
from keystore.credentials.ability import LACK, Ability
from keystore.credentials.activation import CredentialActivation
from keystore.credentials.door import (
    CredentialAct,
    CredentialApproval,
    NotWrapped,
    StoredCredential,
)
from keystore.credentials.finding import Finding
from keystore.credentials.record import AlteredRow, CredentialRecord, CredentialState
from keystore.door import KeyServiceUnavailable, NotPermitted
from keystore.keyring import KeyRing
from keystore.purposes import Act, OwnRing, OwnSecret, Role
from keystore.rotation import KeyVersion
from keystore.signing.recording import Overtaken, Recording

MOST = 10
"""Credentials that a person can have through one client."""

ABANDONED = 600
"""Seconds after which a credential that is still pending is swept."""

SHOWN_FOR = 30 * DAY
"""Seconds for which a credential is shown after its certificate ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeys:
    """Keeps people's long-term keys."""

    ring: KeyRing
    backends: Backends
    authority: Authority
    showing: Showing
    finding: Finding
    recording: Recording
    ability: Ability
    clock: Clock
    entropy: Entropy

    async def activate(self, approval: CredentialApproval) -> str:
        """Return the activation of ``approval``; raises NotPermitted, KeyServiceUnavailable."""
        if approval.act is CredentialAct.CREATE:
            self.ability.check()
        if approval.act is CredentialAct.DELETE:
            await self.finding.of_holder(approval.credential, approval.client_id, approval.subject)
        claims = activation.claims_of(approval, self.entropy.token(16), self.clock.now())
        [token] = await self.recording.tokens(
            OwnRing.ACTIVATION, activation.TYP, [claims], Role.IDP
        )
        return token

    async def create(self, token: str) -> StoredCredential:
        """Return the credential that an activation asks for.

        Raises NotActivated, NotPermitted (the person has too many), NotWrapped,
        KeyServiceUnavailable.
        """
        self.ability.check()
        now = self.clock.now()
        approved = self._judged(token, CredentialAct.CREATE, now)
        if len(await self.finding.shown(approved.client_id, approved.known_as)) >= MOST:
            raise NotPermitted(f"a person has {MOST} credentials through one client at most")
        kek = self.ring.secret(OwnSecret.WRAPPING)
        self.ring.note(Act.SEAL, OwnSecret.WRAPPING, kek)
        try:
            key = await self.backends.of(kek.ref).wrapped(kek.ref, Algorithm.ES256)
        except UnknownKey as reason:
            raise KeyServiceUnavailable("the token lost the wrapping key") from reason
        except Unsupported as reason:
            raise NotWrapped(LACK) from reason
        draft = self.authority.draft(key.public, approved.holder, Kind.LONG_TERM, now)
        record = await self._pending(approved, kek, key, draft)
        writes = [self.authority.issued_write(draft), self.finding.store.add(record)]
        entry = _entry("credential.created", record, now, attributes=record.attributes.decode())
        await self.recording.use_up(approved.jti, approved.exp, writes, [entry])
        certificate = await self.authority.sign(draft)
        done = await self.finding.binding.bound(
            replace(record, state=CredentialState.ACTIVE, chain=(certificate, *draft.chain))
        )
        try:
            await self.finding.store.database.submit(self.finding.store.change(record, done))
        except Refused:
            raise KeyServiceUnavailable("the credential was swept while it was made") from None
        return await self.finding.told(done)

    async def delete(self, token: str) -> None:
        """Destroy the key that an activation names, and revoke its certificate.

        Raises NotActivated, NotPermitted, KeyServiceUnavailable.
        """
        now = self.clock.now()
        approved = self._judged(token, CredentialAct.DELETE, now)
        try:
            await self._deleted(approved, now)
        except Overtaken:  # the row came under another key of ours, and is read again
            await self._deleted(approved, now)
        self.showing.forget()

    async def _deleted(self, approved: CredentialActivation, now: int) -> None:
        record = await self.finding.of_holder(
            approved.credential, approved.client_id, approved.subject
        )
        writes = await self._gone(record, now)
        entry = _entry("credential.deleted", record, now)
        await self.recording.use_up(approved.jti, approved.exp, writes, [entry])

    async def keep(self) -> None:
        """Sweep what was abandoned while it was made, and what ended long ago.

        At first it finds out whether keys can be stored.
        """
        await self.ability.prove()
        now = self.clock.now()
        for record in await self.finding.store.over(now - SHOWN_FOR, now - ABANDONED):
            try:
                await self.finding.binding.check(record)
            except AlteredRow:
                continue  # evidence of who altered it, and it signs nothing
            entry = _entry("credential.swept", record, now)
            writes = await self._gone(record, now)
            try:
                await self.finding.store.database.submit(*writes, DatabaseAudit().write(entry))
            except Refused:  # completed, deleted or swept by another key service
                continue
            self.showing.forget()

    def _judged(self, token: str, act: CredentialAct, now: int) -> CredentialActivation:
        keys = self.ring.own_keys(OwnRing.ACTIVATION)
        return activation.judged(token, keys, act, now)

    async def _pending(
        self, approved: CredentialActivation, kek: KeyVersion, key: WrappedKey, draft: Draft
    ) -> CredentialRecord:
        binding = self.finding.binding
        names = await binding.names(approved.client_id, approved.subject, approved.known_as)
        record = CredentialRecord(
            id=self.entropy.token(16),
            holder=names.holder,
            shown_to=names.shown_to,
            named_by=names.key.kid,
            client_id=approved.client_id,
            state=CredentialState.PENDING,
            algorithm=Algorithm.ES256,
            wrapped_by=kek.kid,
            blob=key.blob,
            public=key.public,
            attributes=msgspec.json.encode(dict(key.attributes), order="deterministic"),
            serial=draft.issued.serial,
            chain=(),
            created_at=self.clock.now(),
            expires_at=draft.issued.not_after,
            bound_by=names.key.kid,
        )
        return await binding.bound(record)

    async def _gone(self, record: CredentialRecord, now: int) -> list[Write]:
        """Return the writes that destroy a key and revoke its certificate, if it can be still."""
        certificates = self.finding.certificates
        issued = await certificates.issued(record.serial)
        writes = [self.finding.store.remove(record)]
        if issued is not None and issued.revoked_at is None and now < record.expires_at:
            writes.append(certificates.revoke(record.serial, now, Reason.CESSATION.value))
        return writes


def _entry(action: str, record: CredentialRecord, now: int, **more: str) -> AuditEntry:
    details = {"client": record.client_id, "serial": record.serial, **more}
    return AuditEntry(at=now, actor=Role.ESIGNET, action=action, about=record.id, details=details)
