"""The schema's history: one branch of revisions per package, applied by ``symbolon migrate``.

``migrate``, ``current`` and ``plan`` open the database by themselves and run outside an event loop
(``asyncio.to_thread`` inside one). A serving process never migrates; it asks ``is_current``.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import column, select, table

from config.runtime.database.unit import Database, Statement

WEB = ("runtime", "audit", "idp", "esignet")
"""The branches of the database that web processes and workers share."""

KEYSTORE = ("audit", "keystore")
"""The branches of the key service's own database."""

BRANCHES = ("runtime", "audit", "keystore", "idp", "esignet")
"""Every branch there is."""

VERSIONS = Path(__file__).parent / "versions"
"""A directory per branch; a file ``idp_0002_what_changes.py`` per revision."""

_APPLIED = Statement(select(column("version_num")).select_from(table("alembic_version")))


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that a database lacks."""

    branch: str
    revision: str
    title: str


def heads(branches: Sequence[str] = BRANCHES) -> dict[str, int]:
    """Return the number of the newest revision of each branch, 0 where there is none."""
    return {
        branch: max((int(path.name.split("_")[1]) for path in _files(branch)), default=0)
        for branch in branches
    }


def _files(branch: str) -> list[Path]:
    return sorted((VERSIONS / branch).glob(f"{branch}_*.py"))


async def is_current(database: Database, branches: Sequence[str]) -> bool:
    """Return whether ``database`` has every revision of ``branches`` that this program knows.

    A database that is ahead is current as well: during an upgrade the version before it runs on
    beside the new one (R6).
    """
    try:
        applied = await database.rows(_APPLIED)
    except (sqlite3.OperationalError, asyncpg.UndefinedTableError):
        applied = []
    found: dict[str, int] = {}
    for row in applied:
        branch, _, number = str(row[0]).rpartition("_")
        found[branch] = int(number)
    return all(found.get(branch, 0) >= number for branch, number in heads(branches).items())


# Alembic is imported when it is used: a web process asks only is_current, and need not carry it.


def migrate(url: str, branches: Sequence[str] = WEB) -> list[Step]:
    """Bring ``branches`` of the database at ``url`` to their newest revisions; return the steps.

    All or nothing, in one transaction; a second process waits and then finds nothing to do. An
    SQLite file is made when there is none.
    """
    from config.wiring.migrations.running import upgrade

    return upgrade(url, branches)


def current(url: str) -> dict[str, str]:
    """Return the applied revision of each branch in the database at ``url``."""
    from config.wiring.migrations.running import applied

    return applied(url)


def plan(url: str, branches: Sequence[str] = WEB) -> list[Step]:
    """Return what ``migrate`` would do, oldest first."""
    from config.wiring.migrations.running import lacking

    return lacking(url, branches)
