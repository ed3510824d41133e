"""Organisations that seal: who they are, whose word counts as theirs, and how much they sealed."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    Table,
    Text,
    bindparam,
    case,
    func,
    select,
    update,
)

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Database, Row, Statement, Write
from keystore.jose import jwk
from keystore.seals.organization import NewOrganization, Organization, OrganizationChange

DAY = 86_400

organization = Table(
    "organization",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("jwks", LargeBinary, nullable=False),
    Column("per_day", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("sealed", BigInteger, nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)
"""``sealed`` are the documents of the ``day`` (of UTC, since 1970) on which was last sealed."""

_of = organization.c.id == bindparam("of")
_is_on = organization.c.disabled_at.is_(None)
_before = case((organization.c.day == bindparam("today"), organization.c.sealed), else_=0)
_ALL = Statement(select(organization).order_by(organization.c.id))
_ONE = Statement(select(organization).where(_of))
_NEW = insert_new(organization)
_DISABLE = Statement(update(organization).where(_of, _is_on).values(disabled_at=bindparam("at")))
_CHANGE = Statement(
    update(organization)
    .where(_of, _is_on)
    .values(
        jwks=func.coalesce(bindparam("new_jwks", type_=LargeBinary), organization.c.jwks),
        per_day=func.coalesce(bindparam("new_limit", type_=BigInteger), organization.c.per_day),
    )
)
_COUNT = Statement(
    update(organization)
    .where(
        _of,
        _is_on,
        (organization.c.per_day == 0) | (_before + bindparam("more") <= organization.c.per_day),
    )
    .values(day=bindparam("today"), sealed=_before + bindparam("more"))
)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An organisation, and how many documents it sealed on ``day``."""

    organization: Organization
    day: int
    sealed: int

    def today(self, now: int) -> int:
        """Return how many documents it sealed on the day of ``now``."""
        return self.sealed if self.day == now // DAY else 0


@dataclass(frozen=True, slots=True)
class Organizations:
    """In the key service's own database."""

    database: Database

    async def every(self) -> list[Enrolled]:
        """Return every organisation, by its id."""
        return [_enrolled(row) for row in await self.database.rows(_ALL)]

    async def find(self, identifier: str) -> Enrolled | None:
        """Return one, None where there is none."""
        row = await self.database.row(_ONE, of=identifier)
        return None if row is None else _enrolled(row)

    def added(self, asked: NewOrganization, now: int) -> Write:
        """Return the write of a new one; refused where the id is taken, for ever."""
        return Write(
            _NEW,
            {
                **{"id": asked.id, "name": asked.name, "identifier": asked.identifier},
                **{"country": asked.country, "jwks": asked.jwks, "per_day": asked.per_day},
                **{"day": 0, "sealed": 0, "enrolled_at": now, "disabled_at": None},
            },
        )

    def changed(self, asked: OrganizationChange) -> Write:
        """Return the write of what is changed; refused where it seals no more."""
        new = {"new_jwks": asked.jwks, "new_limit": asked.per_day}
        return Write(_CHANGE, {"of": asked.id, **new})

    def disabled(self, identifier: str, now: int) -> Write:
        """Return the write after which it seals no more; refused where it does not already."""
        return Write(_DISABLE, {"of": identifier, "at": now})

    def counted(self, identifier: str, more: int, now: int) -> Write:
        """Return the write that counts ``more`` documents; refused over the limit, or disabled."""
        return Write(_COUNT, {"of": identifier, "more": more, "today": now // DAY})


def _enrolled(row: Row) -> Enrolled:
    said = NewOrganization(
        id=row["id"],
        name=row["name"],
        identifier=row["identifier"],
        country=row["country"],
        jwks=bytes(row["jwks"]),
        per_day=row["per_day"],
    )
    found = Organization(
        said=said,
        keys=jwk.parse_set(said.jwks),
        enrolled_at=row["enrolled_at"],
        disabled_at=row["disabled_at"],
    )
    return Enrolled(found, row["day"], row["sealed"])
