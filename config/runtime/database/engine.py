"""A SQLAlchemy connection for work on the schema: migrations, never requests."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from config.runtime.database.connect import sqlite_path

MIGRATING = 0x53796D626F6C6F6E
"""The number of PostgreSQL's advisory lock that whoever changes the schema holds."""

PATIENCE = 60
"""Seconds to wait for another process that changes the schema."""

LOCK_PATIENCE = "5s"
"""How long a change may wait for a table that requests use; it fails rather than hold them up."""


def change_schema(url: str, act: Callable[[Connection], Any]) -> Any:
    """Return ``act(connection)``, done in one transaction that no other schema change overlaps.

    For use outside an event loop. Everything is rolled back if ``act`` raises.
    """
    path = sqlite_path(url)
    if path is None:
        return asyncio.run(_on_postgresql(url, act))
    with contextlib.suppress(FileExistsError):  # see sqlite_sessions: never open what is there
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = create_engine(
        "sqlite://",
        # Without SQLAlchemy's own way of beginning, which locks too late.
        creator=lambda: sqlite3.connect(path, isolation_level=None, timeout=PATIENCE),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        outcome = act(connection)
        connection.commit()
    return outcome


async def _on_postgresql(url: str, act: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        outcome = await connection.run_sync(act)
    await engine.dispose()
    return outcome
