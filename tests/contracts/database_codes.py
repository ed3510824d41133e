"""Tables and statements that the tests of databases share, and a process that redeems codes."""

import asyncio
import sys

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    select,
    update,
)

from config.runtime.database.connect import open_database
from config.runtime.database.statements import insert_new
from config.runtime.database.unit import Refused, Statement, Write
from tests.servers import PATIENT

TABLES = MetaData()
codes = Table(
    "codes",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("used_at", BigInteger),
    Column("used_by", Text),
)
notes = Table(
    "notes",
    TABLES,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary),
    Column("weight", Float),
)

NEW_CODE = insert_new(codes)
NEW_NOTE = insert_new(notes)
USE_CODE = Statement(
    update(codes)
    .where(codes.c.id == bindparam("code"), codes.c.used_at.is_(None))
    .values(used_at=bindparam("now"), used_by=bindparam("by"))
    .returning(codes.c.id, codes.c.used_by)
)
CODE = Statement(select(codes).where(codes.c.id == bindparam("code")))
CODES = Statement(select(codes).order_by(codes.c.id))
NOTE = Statement(select(notes).where(notes.c.id == bindparam("note")))
NOTES = Statement(select(notes).order_by(notes.c.id))


def new_code(code: str) -> Write:
    """Return the write of an unused code."""
    return Write(NEW_CODE, {"id": code, "used_at": None, "used_by": None})


def new_note(note: int, body: bytes = b"\0\xff") -> Write:
    """Return the write of a note."""
    return Write(NEW_NOTE, {"id": note, "body": body, "weight": 0.5})


def use(code: str, by: str = "somebody") -> Write:
    """Return the write that consumes a code, once."""
    return Write(USE_CODE, {"code": code, "now": 1, "by": by})


async def redeem(url: str, name: str, count: int) -> None:
    """Redeem ``count`` codes, some at once, and print each that was acknowledged as ours."""
    database = await open_database(url, PATIENT)

    async def one(number: int) -> None:
        note = int(name) * 1_000_000 + number
        try:
            await database.submit(use(f"c{number}", name), new_note(note))
        except Refused:
            return
        print(number, flush=True)

    print("ready", flush=True)
    for start in range(0, count, 20):
        await asyncio.gather(*(one(number) for number in range(start, min(count, start + 20))))
    await database.close()


if __name__ == "__main__":
    asyncio.run(redeem(sys.argv[1], sys.argv[2], int(sys.argv[3])))
