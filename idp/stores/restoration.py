"""What a database forgets when it was restored from a backup: what was used must stay used (R2).

A backup does not know what was used, ended or withdrawn after it was taken. So whatever could have
been is over: codes, logins, challenges, sessions, grants (and with them every token) and remembered
consents. Client assertions and time steps are known by nobody until they are used; those that could
have been used before the restoration are refused while they are valid, by the same conditional
write that uses them up.
"""

from sqlalchemy import BigInteger, Column, Table, bindparam, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from config.runtime.database.schema import metadata
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Statement, Write
from idp.stores.factor_tables import challenge
from idp.stores.login_tables import consent, login, session
from idp.stores.oauth_tables import code, grant

restoration = Table(
    "idp_restoration",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
)

_MARK = insert_new(restoration)
_OVER = (
    Statement(delete(code).where(code.c.used_at.is_(None))),  # tombstones stay
    Statement(delete(login)),
    Statement(delete(challenge)),
    Statement(delete(consent)),
    Statement(
        update(session).where(session.c.ended_at.is_(None)).values(ended_at=bindparam("now"))
    ),
    Statement(
        update(grant).where(grant.c.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
    ),
)


def restored(now: int) -> tuple[Write, ...]:
    """Return the writes that make a restored database safe to use. Nobody may use it meanwhile."""
    return (
        Write(_MARK, {"at": now}, rows=None),
        *(Write(statement, {"now": now}, rows=None) for statement in _OVER),
    )


def use_once(table: Table) -> Statement:
    """Return an INSERT of a row that says that something was used, once.

    It touches no row when there is one already, or when the thing was ``usable_since`` (a parameter
    beside the columns) before the database was restored: it may have been used then.
    """
    row = select(*(bindparam(column.name, type_=column.type) for column in table.columns))
    since = bindparam("usable_since", type_=BigInteger())
    fresh = row.where(~exists().where(restoration.c.at >= since))
    names = [column.name for column in table.columns]
    return Statement(insert(table).from_select(names, fresh).on_conflict_do_nothing())
