"""Every SQL statement of the embedded ID store."""

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from config.runtime.database.statements import upsert
from config.runtime.database.unit import Statement
from idp.residents.tables import attribute, erasure, identifier, importing, resident, secret

MAX_VERSIONS = 4
"""Versions of the look-up key that are asked at once; more than two only after a hasty rotation."""

KINDS = 3
"""Kinds of identifiers, each of which a typed text may be."""

WANTED = 128
"""Identifiers that one statement of an import looks for; fewer are filled up with one of them."""


def _any_of(column: ColumnElement[bytes], count: int) -> ColumnElement[bool]:
    return column.in_([bindparam(f"lookup_{index}") for index in range(count)])


def _person() -> Select[tuple[object, ...]]:
    """One row per enrolled secret, or one: who this is and what proves it."""
    return select(
        resident.c.id,
        resident.c.state,
        resident.c.locked,
        resident.c.reachable,
        secret.c.factor,
    )


_WITH_SECRETS = resident.outerjoin(secret, secret.c.resident_id == resident.c.id)

FIND = tuple(
    Statement(
        _person()
        .add_columns(
            identifier.c.lookup,
            identifier.c.kind,
            identifier.c.valid_until,
            identifier.c.uses_left,
        )
        .select_from(identifier.join(_WITH_SECRETS, identifier.c.resident_id == resident.c.id))
        .where(_any_of(identifier.c.lookup, KINDS * versions))
    )
    for versions in range(1, MAX_VERSIONS + 1)
)
"""By the number of versions of the look-up key, less one."""

GET = Statement(_person().select_from(_WITH_SECRETS).where(resident.c.id == bindparam("id")))

_CLAIMS = (
    select(
        func.aggregate_strings(
            attribute.c.name,
            literal_column("' '"),  # type: ignore[arg-type]  # a str would be a parameter
        )
    )
    .where(attribute.c.resident_id == resident.c.id)
    .scalar_subquery()
    .label("claims")
)
DESCRIBE = Statement(
    _person()
    .add_columns(_CLAIMS)
    .select_from(_WITH_SECRETS)
    .where(resident.c.id == bindparam("id"))
)
"""``GET`` with the names of the person's claims, one space between; a name for each language."""

_WITH_ATTRIBUTES = resident.outerjoin(attribute, attribute.c.resident_id == resident.c.id)
_CELLS = select(
    resident.c.state,
    resident.c.wrapped_key,
    attribute.c.name,
    attribute.c.locale,
    attribute.c.cell,
).where(resident.c.id == bindparam("id"))

ATTRIBUTES = Statement(_CELLS.select_from(_WITH_ATTRIBUTES))

ATTRIBUTES_BUT_PICTURE = Statement(
    _CELLS.select_from(
        resident.outerjoin(
            attribute,
            and_(attribute.c.resident_id == resident.c.id, attribute.c.name != "picture"),
        )
    )
)
"""A photo can be larger than all else together; most relying parties never ask for it."""

ADDRESSES = Statement(
    _CELLS.select_from(
        resident.outerjoin(
            attribute,
            and_(
                attribute.c.resident_id == resident.c.id,
                attribute.c.name.in_([bindparam("phone"), bindparam("email"), bindparam("locale")]),
                attribute.c.locale == "",
            ),
        )
    )
)

SECRET = Statement(
    select(resident.c.wrapped_key, secret.c.cell)
    .select_from(
        resident.outerjoin(
            secret,
            and_(secret.c.resident_id == resident.c.id, secret.c.factor == bindparam("factor")),
        )
    )
    .where(resident.c.id == bindparam("id"))
)

WRAPPED_KEY = Statement(select(resident.c.wrapped_key).where(resident.c.id == bindparam("id")))

ENROL = upsert(secret, ("resident_id", "factor"))

LOCK = Statement(
    update(resident)
    .where(resident.c.id == bindparam("id"))
    .values(locked=bindparam("factors"), changed_at=bindparam("now"))
)

DECLARE = Statement(
    update(resident)
    .where(resident.c.id == bindparam("id"))
    .values(state=bindparam("becomes"), changed_at=bindparam("now"))
)

_taken = identifier.alias("taken")
USE = Statement(
    update(identifier)
    .where(
        identifier.c.lookup == bindparam("found"),
        or_(identifier.c.uses_left.is_(None), identifier.c.uses_left > 0),
        or_(identifier.c.valid_until.is_(None), identifier.c.valid_until > bindparam("now")),
        or_(
            identifier.c.lookup == bindparam("becomes"),
            ~exists().where(_taken.c.lookup == bindparam("becomes")),
        ),
    )
    .values(
        uses_left=identifier.c.uses_left - 1,  # NULL, any number of uses, stays NULL
        lookup=bindparam("becomes"),
        version=bindparam("newest"),
    )
)

SPEND_COUNTED = Statement(update(identifier).where(identifier.c.uses_left > 0).values(uses_left=0))

IDENTIFIERS = Statement(
    select(
        identifier.c.lookup, identifier.c.kind, identifier.c.valid_until, identifier.c.uses_left
    ).where(identifier.c.resident_id == bindparam("id"))
)
CELLS = Statement(
    select(attribute.c.name, attribute.c.locale, attribute.c.cell).where(
        attribute.c.resident_id == bindparam("id")
    )
)
SECRETS = Statement(
    select(secret.c.factor, secret.c.cell).where(secret.c.resident_id == bindparam("id"))
)

ERASE_RESIDENT = Statement(
    delete(resident).where(
        resident.c.id == bindparam("id"), resident.c.wrapped_key == bindparam("wrapped_key")
    )
)
ERASE_IDENTIFIERS = Statement(delete(identifier).where(identifier.c.resident_id == bindparam("id")))
ERASE_ATTRIBUTES = Statement(delete(attribute).where(attribute.c.resident_id == bindparam("id")))
ERASE_SECRETS = Statement(delete(secret).where(secret.c.resident_id == bindparam("id")))
KEEP_PROOF = Statement(insert(erasure))
PROOF = Statement(select(erasure).where(erasure.c.resident_id == bindparam("id")))

KNOWN = Statement(
    select(
        identifier.c.lookup,
        identifier.c.kind,
        identifier.c.uses_left,
        resident.c.id,
        resident.c.wrapped_key,
        resident.c.imported,
    )
    .select_from(identifier.outerjoin(resident, identifier.c.resident_id == resident.c.id))
    .where(_any_of(identifier.c.lookup, WANTED))
)
"""Whose the identifiers are; ``id`` is NULL where the person has been erased since."""

ADD_RESIDENT = Statement(insert(resident))
ADD_IDENTIFIER = Statement(insert(identifier))
ADD_ATTRIBUTE = Statement(insert(attribute))
ADD_SECRET = Statement(insert(secret))
RENEW_IDENTIFIER = Statement(
    update(identifier)
    .where(identifier.c.lookup == bindparam("known"))
    .values(valid_until=bindparam("until"))
)
DROP_IDENTIFIER = Statement(delete(identifier).where(identifier.c.lookup == bindparam("lookup")))
CHANGE_RESIDENT = Statement(
    update(resident)
    .where(resident.c.id == bindparam("resident"))
    .values(
        state=bindparam("becomes"),
        reachable=bindparam("can_be_reached"),
        imported=bindparam("row"),
        changed_at=bindparam("now"),
    )
)

PROGRESS = Statement(select(importing).where(importing.c.source == bindparam("source")))
KEEP_PROGRESS = upsert(importing, ("source",))
