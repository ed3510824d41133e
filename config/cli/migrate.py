"""``symbolon migrate``: bring the databases to this version."""

import click

from config.cli.opening import settings_of
from config.wiring.migrations import KEYSTORE, WEB, plan
from config.wiring.migrations import migrate as bring


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_obj
def migrate(settings_file: str | None, only_plan: bool) -> None:
    """Bring the database and the key service's own to this version. Safe to run again."""
    settings = settings_of(settings_file)
    for url, branches in ((settings.database.url, WEB), (settings.keys.database, KEYSTORE)):
        for step in plan(url, branches):
            click.echo(f"{step.revision}: {step.title}")
        if not only_plan:
            bring(url, branches)
