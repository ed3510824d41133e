"""Rows that have had their time leave in batches of bounded size."""

from sqlalchemy import Table, bindparam, delete, select

from config.runtime.database.unit import Statement


def prune(table: Table, key: str, until: str) -> Statement:
    """Return a DELETE of at most ``limit`` rows whose column ``until`` is past ``now``.

    It binds ``now`` and ``limit``.
    """
    old = (
        select(table.c[key])
        .where(table.c[until] <= bindparam("now"))
        .limit(bindparam("limit"))
        .scalar_subquery()
    )
    return Statement(delete(table).where(table.c[key].in_(old)))
