"""Of a person who was erased nothing is left with clients or pages; nobody else is touched."""

import asyncio

from sqlalchemy import func, select

from config.runtime.database.connect import OpenDatabase
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Statement, Write
from idp.stores.forgetting import forget
from idp.stores.login_tables import consent, history, session, subject
from idp.stores.oauth_tables import decoupled, grant

TABLES = (session, consent, subject, history, grant, decoupled)


def row(table: object, resident_id: str) -> Write:
    """Return a row of ``resident_id`` with something in every column that must have it."""
    values = {}
    for column in table.columns:  # type: ignore[attr-defined]
        kind = column.type.python_type
        filler = {str: resident_id, int: 1, float: 1.0, bytes: resident_id.encode()}[kind]
        values[column.name] = resident_id if column.name == "resident_id" else filler
    return Write(insert_new(table), values)  # type: ignore[arg-type]


async def test_one_person_is_forgotten_everywhere(database: OpenDatabase) -> None:
    for table in TABLES:
        await database.submit(row(table, "amina"))
        await database.submit(row(table, "baraka"))
    await database.submit(*forget("amina"))
    left = await asyncio.gather(
        *(database.rows(Statement(select(table.c.resident_id))) for table in TABLES)
    )
    assert [[one[0] for one in rows] for rows in left] == [["baraka"]] * len(TABLES)


async def test_forgetting_a_stranger_changes_nothing(database: OpenDatabase) -> None:
    await database.submit(row(grant, "amina"))
    await database.submit(*forget("nobody"))
    counted = await database.row(Statement(select(func.count()).select_from(grant)))
    assert counted is not None and counted[0] == 1
