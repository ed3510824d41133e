"""What happened in a resident's name, for the resident to read."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from config.runtime.database.statements import insert_new, prune
from config.runtime.database.unit import Database, Statement, Write
from idp.stores.login_tables import history as table

LOGGED_IN = "logged_in"
WRONG_ANSWER = "wrong_answer"
REFUSED = "refused"
SIGNED = "signed"
KEY_MADE = "key_made"
KEY_ENDED = "key_ended"
WITHDRAWN = "withdrawn"
ENROLLED = "enrolled"
LOCKED = "locked"
UNLOCKED = "unlocked"

_ADD = insert_new(table)
_OF = Statement(
    select(table)
    .where(table.c.resident_id == bindparam("resident_id"), table.c.issuer == bindparam("issuer"))
    .order_by(table.c.at.desc(), table.c.id)
    .limit(bindparam("limit"))
)
_PRUNE = prune(table, "id", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the history. ``client_id`` is "" for what happened on the resident's pages."""

    id: str
    issuer: str
    resident_id: str
    at: int
    client_id: str
    factors: tuple[str, ...]
    outcome: str


class History:
    """What happened at one issuer, by resident."""

    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._issuer = issuer

    async def of(self, resident_id: str, limit: int = 50) -> list[Event]:
        """Return what happened, the newest first."""
        rows = await self._database.rows(
            _OF, resident_id=resident_id, issuer=self._issuer, limit=limit
        )
        return [
            Event(
                id=row["id"],
                issuer=row["issuer"],
                resident_id=row["resident_id"],
                at=row["at"],
                client_id=row["client_id"],
                factors=tuple(row["factors"].split()),
                outcome=row["outcome"],
            )
            for row in rows
        ]

    def add(self, event: Event) -> Write:
        """Return the write that adds one line."""
        return Write(
            _ADD,
            {
                "id": event.id,
                "issuer": event.issuer,
                "resident_id": event.resident_id,
                "at": event.at,
                "client_id": event.client_id,
                "factors": " ".join(event.factors),
                "outcome": event.outcome,
            },
        )

    @staticmethod
    def prune(before: int, limit: int) -> Write:
        """Return the write that removes at most ``limit`` lines that are older than ``before``."""
        return Write(_PRUNE, {"now": before, "limit": limit}, rows=None)
