"""Opening the database that an address names: ``sqlite:///path`` or ``postgresql://...``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from config.runtime.database.postgresql import PostgresqlDatabase, PostgresqlOptions
from config.runtime.database.sqlite import SqliteDatabase, SqliteOptions
from config.runtime.database.unit import Database

MOST_SKEW = 5.0
"""Seconds by which a node's clock may differ from the database's before it is not ready (R6)."""


class OpenDatabase(Database, Protocol):
    """A Database together with what only its owner needs."""

    async def skew(self, now: int) -> float:
        """Return by how many seconds ``now`` is ahead of the database's clock (R6)."""
        ...

    async def close(self) -> None:
        """Finish what waits and let go; every later call raises DatabaseUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """What to use of either kind; only the kind that the address names is looked at."""

    sqlite: SqliteOptions = field(default_factory=SqliteOptions)
    postgresql: PostgresqlOptions = field(default_factory=PostgresqlOptions)


def sqlite_path(url: str) -> Path | None:
    """Return the file of ``sqlite:///relative`` or ``sqlite:////absolute``, or None."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        return None
    if not url.startswith("sqlite:///") or len(parts.path) < 2:
        raise ValueError("an SQLite address is sqlite:///path/to/file")
    return Path(unquote(parts.path[1:]))


async def open_database(url: str, options: DatabaseOptions | None = None) -> OpenDatabase:
    """Open the database at ``url``. It need not be reachable yet (R6).

    A PostgreSQL address may name several hosts (``postgresql://a,b/name``) and
    ``target_session_attrs=read-write``. ValueError for another kind of address.
    """
    options = options or DatabaseOptions()
    path = sqlite_path(url)
    if path is not None:
        return await SqliteDatabase.open(path, options.sqlite)
    if url.startswith(("postgresql://", "postgres://")):
        return await PostgresqlDatabase.open(url, options.postgresql)
    raise ValueError("a database address begins with sqlite:/// or postgresql://")
