"""A process keeps its hold on an SQLite file however many connections it makes to it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert

from config.runtime.database.sqlite import SqliteDatabase, SqliteOptions
from config.runtime.database.unit import Statement, Write

table = Table("note", MetaData(), Column("number", Integer, primary_key=True))
NOTE = Statement(insert(table).values(number=bindparam("number")))
COUNT = "select count(*) from note"
ASK = f"import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('{COUNT}').fetchone()[0])"


def counted_by_another_process(path: Path) -> int:
    """Count in a process that opens the file, reads, and closes it as the last of its own."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK, str(path)], capture_output=True, text=True, check=True
    )
    return int(asked.stdout)


async def test_what_is_written_is_seen_after_others_came_and_went(tmp_path: Path) -> None:
    """Closing any descriptor of the file would drop our locks (fcntl(2)): then the process that
    leaves thinks that it is the last, removes the WAL, and our later writes are lost."""
    path = tmp_path / "notes.db"
    connection = sqlite3.connect(path)
    connection.execute("create table note (number integer primary key)")
    connection.close()
    database = await SqliteDatabase.open(path, SqliteOptions(readers=3))
    for number in range(0, 9, 3):
        await database.submit(Write(NOTE, {"number": number}))
        assert counted_by_another_process(path) == number + 1
        late = await SqliteDatabase.open(path, SqliteOptions(readers=1))
        await late.submit(Write(NOTE, {"number": number + 1}))
        await late.close()
        assert counted_by_another_process(path) == number + 2
        await database.submit(Write(NOTE, {"number": number + 2}))
        assert counted_by_another_process(path) == number + 3
    await database.close()
