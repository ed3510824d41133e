"""After a backup was restored: whatever may have been used since it was taken is made useless.

In one transaction without a deadline, for a country has many sessions; nothing else may use the
database meanwhile.
"""

from sqlalchemy import Connection

from config.runtime.audit.records import AuditEntry, DatabaseAudit
from config.runtime.database.engine import change_schema
from config.runtime.database.unit import Write
from idp.residents.statements import SPEND_COUNTED
from idp.stores.restoration import restored

OPERATOR = "operator"
"""Who acts, in the records."""


def mark_restored(url: str, now: int) -> dict[str, int]:
    """Mark the database at ``url`` as restored; return how many rows of each table that ended.

    For use outside an event loop. The database has every table of this version.
    """
    entry = AuditEntry(at=now, actor=OPERATOR, action="database.restored", about="database")
    counted = Write(SPEND_COUNTED, {}, rows=None)  # one-time IDs may have been used since
    writes: tuple[Write, ...] = (*restored(now), counted, DatabaseAudit().write(entry))

    def act(connection: Connection) -> dict[str, int]:
        touched = {}
        for write in writes:
            outcome = connection.execute(write.statement.clause, dict(write.values))  # type: ignore[call-overload]
            touched[write.statement.clause.table.name] = outcome.rowcount  # type: ignore[attr-defined]
        return touched

    found: dict[str, int] = change_schema(url, act)
    return found
