"""Finding stored credentials: whole rows, of their holder, that can still sign."""

import logging
from dataclasses import dataclass

import msgspec

from keystore.credentials.binding import Binding
from keystore.credentials.door import StoredCredential
from keystore.credentials.record import AlteredRow, CredentialRecord, CredentialState
from keystore.door import NotPermitted
from keystore.stores.authority import AuthorityRecords
from keystore.stores.credentials import StoredCredentials

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """Reads records and holds them to their hash. All may raise KeyServiceUnavailable."""

    store: StoredCredentials
    certificates: AuthorityRecords
    binding: Binding

    async def of_holder(self, identifier: str, client_id: str, subject: str) -> CredentialRecord:
        """Return the record, or raise NotPermitted: who is not its holder learns of none."""
        record = await self.store.find(identifier)
        if record is not None:
            await self.binding.check(record)
        if record is None or not await self.binding.is_holder(record, client_id, subject):
            raise NotPermitted("this person has no such credential")
        return record

    async def usable(
        self, identifier: str, client_id: str, subject: str, *, now: int
    ) -> CredentialRecord:
        """Return the record of a credential that can sign now, or raise NotPermitted."""
        record = await self.of_holder(identifier, client_id, subject)
        if record.state is not CredentialState.ACTIVE:
            raise NotPermitted("the credential has no certificate yet")
        if now >= record.expires_at:
            raise NotPermitted("the certificate of the credential has expired")
        if await self._is_revoked(record):
            raise NotPermitted("the certificate of the credential was revoked")
        return record

    async def shown(self, client_id: str, known_as: str) -> list[StoredCredential]:
        """Return what a client may know of the credentials that a person has through it.

        A row that was altered is not among them, and is told to the operator.
        """
        found = []
        for record in await self.store.shown(await self.binding.shown_to(client_id, known_as)):
            try:
                await self.binding.check(record)
            except AlteredRow as reason:
                _LOG.error("%s", reason)
                continue
            if record.state is CredentialState.ACTIVE:
                found.append(await self.told(record))
        return found

    async def told(self, record: CredentialRecord) -> StoredCredential:
        """Return what may be known of a record."""
        return StoredCredential(
            id=record.id,
            serial=record.serial,
            chain=record.chain,
            attributes=msgspec.json.decode(record.attributes, type=dict[str, bool]),
            created_at=record.created_at,
            expires_at=record.expires_at,
            is_revoked=await self._is_revoked(record),
        )

    async def _is_revoked(self, record: CredentialRecord) -> bool:
        issued = await self.certificates.issued(record.serial)
        return issued is None or issued.revoked_at is not None
