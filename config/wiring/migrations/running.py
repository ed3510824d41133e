"""Running revisions with Alembic, on a connection that is already in its transaction."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from config.runtime.database.connect import sqlite_path
from config.runtime.database.engine import change_schema
from config.wiring.migrations import BRANCHES, VERSIONS, Step


def configured(**attributes: Any) -> Config:
    """Return Alembic's configuration; ``env.py`` finds ``attributes`` in it."""
    settings = Config(attributes=attributes)
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.set_main_option("path_separator", "newline")
    settings.set_main_option(
        "version_locations", "\n".join(str(VERSIONS / branch) for branch in BRANCHES)
    )
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return settings


def upgrade(url: str, branches: Sequence[str]) -> list[Step]:
    """See config.wiring.migrations.migrate."""

    def act(connection: Connection) -> list[Step]:
        steps = _lacking(connection, branches)
        for branch in dict.fromkeys(step.branch for step in steps):
            command.upgrade(configured(connection=connection), f"{branch}@head")
        return steps

    return cast(list[Step], change_schema(url, act))


def downgrade(url: str, branch: str, number: int = 0) -> None:
    """Take ``branch`` back to the revision ``number``; 0 leaves nothing of it."""
    target = f"{branch}_{number:04}" if number else f"{branch}@base"
    change_schema(url, lambda c: command.downgrade(configured(connection=c), target))


def applied(url: str) -> dict[str, str]:
    """See config.wiring.migrations.current."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return {}
    found = cast(set[str], change_schema(url, _heads))
    return {revision.rpartition("_")[0]: revision for revision in sorted(found)}


def lacking(url: str, branches: Sequence[str]) -> list[Step]:
    """See config.wiring.migrations.plan."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return _steps(set(), branches)
    return cast(list[Step], change_schema(url, lambda c: _lacking(c, branches)))


def _heads(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _lacking(connection: Connection, branches: Sequence[str]) -> list[Step]:
    return _steps(_heads(connection), branches)


def _steps(found: set[str], branches: Sequence[str]) -> list[Step]:
    scripts = ScriptDirectory.from_config(configured())
    numbers = {
        branch: int(number) for branch, _, number in (head.rpartition("_") for head in found)
    }
    steps = [
        Step(branch, script.revision, script.doc.removesuffix("."))
        for script in scripts.walk_revisions()
        for branch in (script.revision.rpartition("_")[0],)
        if branch in branches and int(script.revision[-4:]) > numbers.get(branch, 0)
    ]
    return sorted(steps, key=lambda step: (branches.index(step.branch), step.revision))
