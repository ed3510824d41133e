"""Binding rows to their holders: keyed hashes under a key that nobody outside has.

Wrapping a key binds it to nothing. So whoever writes in the database could give a person's key to
another: the row as a whole is authenticated, and one that was changed is refused by name.
"""

import asyncio
import hmac
from dataclasses import dataclass, replace

from keystore.credentials.record import AlteredRow, CredentialRecord, lengthened
from keystore.keyring import KeyRing
from keystore.purposes import OwnSecret
from keystore.rotation import KeyVersion


@dataclass(frozen=True, slots=True)
class Names:
    """Keyed hashes of one person at one client, under one ``key``."""

    key: KeyVersion
    holder: bytes
    shown_to: bytes


@dataclass(frozen=True, slots=True)
class Binding:
    """The hashes of credentials. All may raise KeyServiceUnavailable."""

    ring: KeyRing

    async def names(self, client_id: str, subject: str, known_as: str) -> Names:
        """Return what the row of a new credential says of its holder."""
        key = self.ring.secret(OwnSecret.BINDING)
        asked = [_holder(client_id, subject), _shown(client_id, known_as)]
        return Names(key, *await self.ring.mac_own(OwnSecret.BINDING, key, asked))

    async def is_holder(self, record: CredentialRecord, client_id: str, subject: str) -> bool:
        """Return whether the credential is this person's, made through this client."""
        [hashed] = await self._hashed(record, record.named_by, _holder(client_id, subject))
        return hmac.compare_digest(hashed, record.holder)

    async def shown_to(self, client_id: str, known_as: str) -> list[bytes]:
        """Return the hash by which a client's credentials of a person are found, by each key."""
        asked = [_shown(client_id, known_as)]
        keys = self.ring.secrets(OwnSecret.BINDING)
        made = await asyncio.gather(
            *(self.ring.mac_own(OwnSecret.BINDING, key, asked) for key in keys)
        )
        return [one for [one] in made]

    async def bound(self, record: CredentialRecord) -> CredentialRecord:
        """Return the record with its hash."""
        [mac] = await self._hashed(record, record.bound_by, record.content())
        return replace(record, mac=mac)

    async def check(self, record: CredentialRecord) -> None:
        """Return if nobody changed the record, or raise AlteredRow."""
        [mac] = await self._hashed(record, record.bound_by, record.content())
        if not hmac.compare_digest(mac, record.mac):
            raise AlteredRow(record.id)

    async def _hashed(self, record: CredentialRecord, kid: str, message: bytes) -> list[bytes]:
        keys = self.ring.secrets(OwnSecret.BINDING)
        key = next((key for key in keys if key.kid == kid), None)
        if key is None:
            raise AlteredRow(record.id)
        return await self.ring.mac_own(OwnSecret.BINDING, key, [message])


def _holder(client_id: str, subject: str) -> bytes:
    return b"holder\0" + lengthened((client_id.encode(), subject.encode()))


def _shown(client_id: str, known_as: str) -> bytes:
    return b"shown\0" + lengthened((client_id.encode(), known_as.encode()))
