"""What clients call a resident: made once, stored, and the same ever after."""

from sqlalchemy import and_, bindparam, select

from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Statement, Write
from idp.stores.login_tables import subject as table

_FIND = Statement(
    select(table.c.subject).where(
        and_(
            table.c.issuer == bindparam("issuer"),
            table.c.sector == bindparam("sector"),
            table.c.resident_id == bindparam("resident_id"),
        )
    )
)
_WHO = Statement(
    select(table.c.resident_id).where(
        and_(
            table.c.issuer == bindparam("issuer"),
            table.c.sector == bindparam("sector"),
            table.c.subject == bindparam("subject"),
        )
    )
)
_EVERY = Statement(
    select(table.c.issuer, table.c.sector, table.c.subject).where(
        table.c.resident_id == bindparam("resident_id")
    )
)
_KEEP = insert_new(table)


class Subjects:
    """Subjects by issuer, sector and resident (OpenID Connect Core 1.0 §8.1)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, issuer: str, sector: str, resident_id: str) -> str | None:
        """Return the subject if it was made before."""
        row = await self._database.row(_FIND, issuer=issuer, sector=sector, resident_id=resident_id)
        return None if row is None else row["subject"]

    async def resident_of(self, issuer: str, sector: str, subject: str) -> str | None:
        """Return whom the clients of a sector call ``subject``, None when nobody."""
        row = await self._database.row(_WHO, issuer=issuer, sector=sector, subject=subject)
        return None if row is None else row["resident_id"]

    async def every(self, resident_id: str) -> list[tuple[str, str, str]]:
        """Return issuer, sector and subject of everything that a resident is called."""
        rows = await self._database.rows(_EVERY, resident_id=resident_id)
        return [(row["issuer"], row["sector"], row["subject"]) for row in rows]

    def keep(self, issuer: str, sector: str, resident_id: str, subject: str) -> Write:
        """Return the write that keeps a new subject; Refused when there is one already."""
        return Write(
            _KEEP,
            {"issuer": issuer, "sector": sector, "resident_id": resident_id, "subject": subject},
        )
