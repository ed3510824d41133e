"""``symbolon doctor``: checks a deployment, and says what to mend."""

import asyncio
import json

import click

from config.cli.opening import settings_of
from config.settings import Settings
from config.wiring.doctor import Finding, examine
from config.wiring.production import open_world
from keystore.purposes import Role


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(settings_file: str | None, as_json: bool) -> int:
    """Check this deployment: issuers, database, keys, channels, worker. Exits 1 on trouble."""
    found = asyncio.run(_examined(settings_of(settings_file)))
    if as_json:
        told = [{"subject": one.subject, "trouble": one.trouble} for one in found]
        click.echo(json.dumps(told, indent=2))
    else:
        for one in found:
            click.echo(f"{'MEND' if one.trouble else 'well':5} {one.subject}")
            if one.trouble:
                click.echo(f"      {one.trouble}")
    return 1 if any(one.trouble for one in found) else 0


async def _examined(settings: Settings) -> list[Finding]:
    async with open_world(settings, Role.OPERATOR) as world:
        return await examine(world)
