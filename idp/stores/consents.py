"""What residents agreed to, one row per client."""

from sqlalchemy import and_, bindparam, delete, literal_column, select

from config.runtime.database.statements import prune, upsert
from config.runtime.database.unit import Database, Row, Statement, Write
from idp.protocol.consent import Consent
from idp.stores.login_tables import consent as table
from idp.stores.login_tables import subject

_THIS = and_(
    table.c.resident_id == bindparam("resident_id"), table.c.client_id == bindparam("client_id")
)
_FIND = Statement(select(table).where(_THIS))
_asked = select(literal_column("1").label("one")).subquery("asked")
_WITH_SUBJECT = Statement(
    select(table, subject.c.subject).select_from(
        _asked.outerjoin(table, _THIS).outerjoin(
            subject,
            and_(
                subject.c.issuer == bindparam("issuer"),
                subject.c.sector == bindparam("sector"),
                subject.c.resident_id == bindparam("resident_id"),
            ),
        )
    )
)
_OF = Statement(
    select(table)
    .where(
        and_(table.c.resident_id == bindparam("resident_id"), table.c.expires_at > bindparam("now"))
    )
    .order_by(table.c.given_at.desc(), table.c.client_id)
    .limit(bindparam("limit"))
)
_RECORD = upsert(table, ("resident_id", "client_id"))
_WITHDRAW = Statement(delete(table).where(_THIS))
_PRUNE = prune(table, "resident_id", "expires_at")


class Consents:
    """The last decision of each resident about each client."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, resident_id: str, client_id: str) -> Consent | None:
        """Return the decision, expired or not."""
        row = await self._database.row(_FIND, resident_id=resident_id, client_id=client_id)
        return None if row is None else _consent(row)

    async def with_subject(
        self, resident_id: str, client_id: str, issuer: str, sector: str
    ) -> tuple[Consent | None, str | None]:
        """Return what ``find`` and ``Subjects.find`` return, in one read."""
        row = await self._database.row(
            _WITH_SUBJECT,
            resident_id=resident_id,
            client_id=client_id,
            issuer=issuer,
            sector=sector,
        )
        assert row is not None
        return None if row["resident_id"] is None else _consent(row), row["subject"]

    async def of(self, resident_id: str, now: int, limit: int = 200) -> list[Consent]:
        """Return the decisions that still count, the newest first."""
        rows = await self._database.rows(_OF, resident_id=resident_id, now=now, limit=limit)
        return [_consent(row) for row in rows]

    def record(self, consent: Consent) -> Write:
        """Return the write that remembers a decision in place of the one before."""
        return Write(
            _RECORD,
            {
                "resident_id": consent.resident_id,
                "client_id": consent.client_id,
                "scope": " ".join(consent.scope),
                "agreed": " ".join(sorted(consent.agreed)),
                "declined": " ".join(sorted(consent.declined)),
                "purpose": consent.purpose,
                "given_at": consent.given_at,
                "expires_at": consent.expires_at,
            },
        )

    def withdraw(self, resident_id: str, client_id: str) -> Write:
        """Return the write that forgets the decision; nothing when there is none."""
        return Write(_WITHDRAW, {"resident_id": resident_id, "client_id": client_id}, rows=None)

    def prune(self, now: int, limit: int) -> Write:
        """Return the write that removes a batch of what expired."""
        return Write(_PRUNE, {"now": now, "limit": limit}, rows=None)


def _consent(row: Row) -> Consent:
    return Consent(
        resident_id=row["resident_id"],
        client_id=row["client_id"],
        scope=tuple(row["scope"].split()),
        agreed=frozenset(row["agreed"].split()),
        declined=frozenset(row["declined"].split()),
        purpose=row["purpose"],
        given_at=row["given_at"],
        expires_at=row["expires_at"],
    )
