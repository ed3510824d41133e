"""A SQLAlchemy connection for work on the schema: migrations, never requests."""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from config.runtime.database.connect import sqlite_path

MIGRATING = 0x53796D626F6C6F6E
"""The number of PostgreSQL's advisory lock that whoever changes the schema holds."""

PATIENCE = 60
"""Seconds to wait for another process that changes the schema."""

BUSY_PAUSE = 0.02
"""Seconds between two attempts to put an SQLite file into WAL mode."""

LOCK_PATIENCE = "5s"
"""How long a change may wait for a table that requests use; it fails rather than hold them up."""

DEADLOCK = "40P01"
"""PostgreSQL's name for it (its manual, appendix A)."""

ATTEMPTS = 5
"""How often a change is tried whose locks and those of requests waited for each other."""


def change_schema(url: str, act: Callable[[Connection], Any]) -> Any:
    """Return ``act(connection)``, done in one transaction that no other schema change overlaps.

    For use outside an event loop. Everything is rolled back if ``act`` raises. On PostgreSQL it
    is called again when the server ended a deadlock with requests by rolling the change back.
    """
    path = sqlite_path(url)
    if path is None:
        return asyncio.run(_on_postgresql(url, act))
    with contextlib.suppress(FileExistsError):  # see sqlite_sessions: never open what is there
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = create_engine(
        "sqlite://",
        # Without SQLAlchemy's own way of beginning, which locks too late.
        creator=lambda: _in_wal_mode(path),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        outcome = act(connection)
        connection.commit()
    return outcome


def _in_wal_mode(path: Path) -> sqlite3.Connection:
    """Return a connection to the file in WAL mode.

    Changing the mode does not wait as statements do: who meets another process asks again.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return connection
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
                connection.close()
                raise
            time.sleep(BUSY_PAUSE)


async def _on_postgresql(url: str, act: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    for _ in range(ATTEMPTS - 1):
        try:
            return await _in_transaction(engine, act)
        except DBAPIError as failure:
            # A change locks its tables in one order, the units of requests lock theirs in others.
            if getattr(failure.orig, "sqlstate", None) != DEADLOCK:
                raise
    return await _in_transaction(engine, act)


async def _in_transaction(engine: AsyncEngine, act: Callable[[Connection], Any]) -> Any:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        return await connection.run_sync(act)
