"""Taking a certificate back: in one unit with the audit entry that says who did."""

import re
from dataclasses import dataclass
from enum import StrEnum

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.database.unit import Database, Refused
from keystore.authority.showing import Showing
from keystore.door import NotPermitted
from keystore.purposes import Role
from keystore.stores.authority import AuthorityRecords

_SERIAL = re.compile(r"[0-9a-f]{1,40}", re.ASCII)


class Reason(StrEnum):
    """Why (RFC 5280 §5.3.1); there is no way back from any of them."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION = "cessationOfOperation"


@dataclass(frozen=True, slots=True)
class Revoking:
    """Takes certificates back; ``showing`` is told, so that the next list says it."""

    database: Database
    showing: Showing

    async def revoke(self, serial: str, reason: Reason, now: int) -> None:
        """Revoke the certificate with this serial number, in hexadecimal as openssl writes it.

        Raises NotPermitted when it was never given out or is revoked already.
        """
        number = serial.replace(":", "").lower().lstrip("0")
        if not _SERIAL.fullmatch(number):
            raise NotPermitted("a serial number is up to 40 hexadecimal digits")
        revoke = AuthorityRecords(self.database).revoke(number, now, reason.value)
        entry = AuditEntry(
            at=now,
            actor=Role.OPERATOR,
            action="certificate.revoked",
            about=number,
            details={"reason": reason.value},
        )
        try:
            await self.database.submit(revoke, DatabaseAudit().write(entry))
        except Refused:
            raise NotPermitted("no certificate with this serial number is good") from None
        self.showing.forget()
