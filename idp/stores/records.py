"""What is recorded of a change to grants: the fact for others, the audit entry for ever (R8)."""

from dataclasses import dataclass

from config.runtime.audit.records import Audit, AuditEntry
from config.runtime.database.unit import Write
from config.runtime.journal import Fact, Journal


@dataclass(frozen=True, slots=True)
class Records:
    """Writes both into the unit of the change."""

    journal: Journal
    audit: Audit

    def write(self, fact: Fact, actor: str) -> tuple[Write, Write]:
        """Return the writes that record ``fact``, done by ``actor`` (a client_id)."""
        entry = AuditEntry(
            at=fact.at, actor=actor, action=fact.name, about=fact.about, details=fact.details
        )
        return self.journal.write(fact), self.audit.write(entry)
