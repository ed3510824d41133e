"""Writing a revision from what the rooms declare: for developers.

``python -m config.wiring.migrations.draft idp "clients may name a colour"`` compares the tables
that ``idp`` declares with the newest revision of its branch and writes the next one. Read it before
you commit it: Alembic sees a renamed column as one dropped and one added.

``--first`` writes the first revision of the branch anew instead, which is right only as long as no
release has it. ``all`` in place of a branch means every branch.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import click
from alembic import command
from sqlalchemy import Connection

from config.runtime.database.engine import change_schema
from config.wiring.migrations import BRANCHES, VERSIONS, heads, migrate
from config.wiring.migrations.running import configured
from config.wiring.migrations.tables import tables_of


def draft(branch: str, title: str, *, first: bool = False) -> Path | None:
    """Write the next revision of ``branch`` and return its file; None if nothing differs."""
    place = VERSIONS / branch
    place.mkdir(parents=True, exist_ok=True)
    if first:
        for path in place.glob("*.py"):
            path.unlink()
    number = heads([branch])[branch] + 1
    names = frozenset(table.name for table in tables_of(branch))
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/draft.db"
        migrate(url, BRANCHES)

        def act(connection: Connection) -> object:
            return command.revision(
                configured(connection=connection, tables=names),
                message=title,
                autogenerate=True,
                rev_id=f"{branch}_{number:04}",
                version_path=str(place),
                head="base" if number == 1 else f"{branch}@head",
                branch_label=branch if number == 1 else None,
            )

        change_schema(url, act)
    (written,) = place.glob(f"{branch}_{number:04}_*.py")
    return _tidy(written)


def _tidy(path: Path) -> Path | None:
    """Take Alembic's remarks out, in the house's format; None, and no file, if nothing remains."""
    lines = [line for line in path.read_text().splitlines() if not line.strip().startswith("# ###")]
    path.write_text("\n".join(lines) + "\n")
    if "op." not in path.read_text():
        path.unlink()
        return None
    for verb in (["check", "--fix", "--select", "I,F401,UP"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *verb, "-q", str(path)], check=True)  # noqa: S603
    return path


@click.command(help=__doc__)
@click.argument("branch", type=click.Choice([*BRANCHES, "all"]))
@click.argument("title")
@click.option("--first", is_flag=True, help="Write the first revision anew.")
def main(branch: str, title: str, first: bool) -> None:
    """Draft and say what was written."""
    for one in BRANCHES if branch == "all" else (branch,):
        click.echo(f"{one}: {draft(one, title, first=first) or 'nothing differs'}")


if __name__ == "__main__":
    main()
