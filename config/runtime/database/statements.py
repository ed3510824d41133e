"""Builders of statements that read the same on SQLite and PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.dialects.postgresql import Insert, insert

from config.runtime.database.unit import Statement

# SQLite took PostgreSQL's ON CONFLICT over word for word, and both dialects compile this Insert.


def _names(table: Table, columns: Sequence[str]) -> list[str]:
    counted = table.autoincrement_column
    return list(columns) or [column.name for column in table.columns if column is not counted]


def _insert(table: Table, names: Sequence[str]) -> Insert:
    return insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names})


def insert_new(table: Table, *columns: str) -> Statement:
    """Return an INSERT that touches no row when a key of it exists already.

    One bound parameter per column, named like it; without ``columns`` every column of the table
    except one that the database counts up by itself.
    """
    return Statement(_insert(table, _names(table, columns)).on_conflict_do_nothing())


def upsert(table: Table, keys: Sequence[str], *columns: str) -> Statement:
    """Return an INSERT that overwrites the row whose ``keys`` (a unique index) are the same.

    Bound parameters as in ``insert_new``. It always touches one row.
    """
    names = _names(table, columns)
    new = _insert(table, names)
    overwritten = {name: new.excluded[name] for name in names if name not in keys}
    return Statement(new.on_conflict_do_update(index_elements=list(keys), set_=overwritten))


def prune(table: Table, key: str, until: str) -> Statement:
    """Return a DELETE of rows whose column ``until`` is past ``now``: a batch of bounded size.

    It binds ``now`` and ``limit``: so many rows are looked for, and all expired ones that share
    their ``key`` go. It returns the key of each row that went: fewer than ``limit`` were the last.
    """
    is_past = table.c[until] <= bindparam("now")
    old = select(table.c[key]).where(is_past).limit(bindparam("limit")).scalar_subquery()
    return Statement(delete(table).where(table.c[key].in_(old), is_past).returning(table.c[key]))
