"""A person's stored credentials through the CSC API (credentials/list, credentials/info)."""

from dataclasses import dataclass
from typing import Any, Protocol

from esignet.flows.csc_approvals import Caller
from esignet.protocol.csc.credentials import Listing, Named
from esignet.protocol.csc.faults import invalid
from esignet.protocol.csc.shown import Credential, told_of
from esignet.protocol.csc.version import Version
from keystore.checking.certificates import holder_of
from keystore.credentials.door import Credentials, StoredCredential


class Stored(Protocol):
    """The credentials that the key service keeps for people."""

    async def of(self, client_id: str, subject: str) -> list[Credential]:
        """Return those that the person has through this client, which calls them ``subject``.

        Raises KeyServiceUnavailable.
        """
        ...


class NothingStored:
    """For a key service that keeps no keys of people: each is made for one approval."""

    async def of(self, client_id: str, subject: str) -> list[Credential]:
        """Return no credentials."""
        return []


@dataclass(frozen=True, slots=True)
class KeptByKeyService:
    """The credentials of a key service that keeps people's keys."""

    keys: Credentials

    async def of(self, client_id: str, subject: str) -> list[Credential]:
        """Return what the key service shows."""
        return [shown_of(one) for one in await self.keys.credentials(client_id, subject)]


def shown_of(one: StoredCredential) -> Credential:
    """Return a credential of the key service as the API tells it."""
    named = holder_of(one.chain[0])
    return Credential(
        id=one.id,
        chain=one.chain,
        issuer=named.issuer_name,
        subject=named.subject_name,
        serial=one.serial,
        valid_from=named.valid_from,
        valid_to=named.valid_to,
        is_revoked=one.is_revoked,
    )


@dataclass(frozen=True, slots=True)
class CscCredentials:
    """Tells people's own credentials; somebody else's are not there."""

    stored: Stored

    async def listed(
        self, caller: Caller, asked: Listing, version: Version, now: int
    ) -> dict[str, Any]:
        """Return the answer to credentials/list."""
        found = await self.stored.of(caller.client_id, caller.subject)
        if asked.only_valid:
            found = [one for one in found if one.is_usable(now)]
        told: dict[str, Any] = {"credentialIDs": [one.id for one in found]}
        if asked.detail is not None:
            told["credentialInfos"] = [
                {"credentialID": one.id, **told_of(one, asked.detail, version, now)}
                for one in found
            ]
        if asked.only_valid:
            told["onlyValid"] = True
        return told

    async def told(
        self, caller: Caller, asked: Named, version: Version, now: int
    ) -> dict[str, Any]:
        """Return the answer to credentials/info, or raise CscError."""
        for one in await self.stored.of(caller.client_id, caller.subject):
            if one.id == asked.credential:
                return told_of(one, asked.detail, version, now)
        raise invalid("credentialID")
