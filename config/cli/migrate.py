"""``symbolon migrate``: bring the databases to this version."""

import click

from config.cli.opening import settings_of
from config.runtime.clock import SystemClock
from config.wiring.migrations import KEYSTORE, WEB, plan
from config.wiring.migrations import migrate as bring
from config.wiring.restoring import mark_restored


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--restored",
    is_flag=True,
    help="The database comes from a backup: end whatever may have been used or ended since.",
)
@click.pass_obj
def migrate(settings_file: str | None, only_plan: bool, restored: bool) -> None:
    """Bring the database and the key service's own to this version. Safe to run again.

    After a backup was restored, and before anything is started, run it with --restored: everybody
    signs in and agrees again, and no code, token or assertion of before is accepted.
    """
    if only_plan and restored:
        raise click.UsageError("--plan does nothing and --restored does much: choose one")
    settings = settings_of(settings_file)
    databases = {
        "database": (settings.database.url, WEB),
        "keys.database": (settings.keys.database, KEYSTORE),
    }
    for name, (url, branches) in databases.items():
        for step in plan(url, branches):
            click.echo(f"{name}: {step.revision} {step.title}")
        if not only_plan:
            bring(url, branches)
    if restored:
        for table, count in mark_restored(settings.database.url, SystemClock().now()).items():
            click.echo(f"{table}: {count}")
