"""Making and destroying stored credentials through the CSC API (credentials/create, delete).

The person approves either in OAuth, with a detail of its own type; the key service does what that
approval says, once.
"""

from dataclasses import dataclass
from typing import Any

from esignet.flows.csc_approvals import Caller
from esignet.flows.csc_credentials import shown_of
from esignet.protocol.csc.approval import CREATIONS, DELETIONS, change
from esignet.protocol.csc.credentials import Detail
from esignet.protocol.csc.faults import ACCESS_DENIED, INVALID_TOKEN, CscError, invalid
from esignet.protocol.csc.shown import told_of
from esignet.protocol.csc.version import Version
from keystore.credentials.door import Credentials
from keystore.door import NotPermitted
from keystore.signing.door import NotActivated


@dataclass(frozen=True, slots=True)
class CscChanges:
    """Does what tokens approve about stored credentials."""

    keys: Credentials

    async def created(
        self, caller: Caller, asked: Detail, version: Version, now: int
    ) -> dict[str, Any]:
        """Return the new credential, as credentials/info tells it, or raise CscError."""
        approved = change(caller.details, CREATIONS)
        if approved is None:
            raise CscError(ACCESS_DENIED)
        try:
            made = await self.keys.create_credential(approved.activation)
        except NotActivated:
            raise CscError(INVALID_TOKEN) from None
        except NotPermitted:  # more than a person can have
            raise CscError(ACCESS_DENIED) from None
        return {"credentialID": made.id, **told_of(shown_of(made), asked, version, now)}

    async def deleted(self, caller: Caller, credential: str) -> dict[str, Any]:
        """Destroy ``credential``, which the token has to name; return an empty answer."""
        approved = change(caller.details, DELETIONS)
        if approved is None:
            raise CscError(ACCESS_DENIED)
        if approved.credential != credential:
            raise invalid("credentialID")
        try:
            await self.keys.delete_credential(approved.activation)
        except NotActivated:
            raise CscError(INVALID_TOKEN) from None
        except NotPermitted:
            raise invalid("credentialID") from None
        return {}
