"""``symbolon rp``: register, change, list, show and remove relying parties; grade them."""

import asyncio
import json

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.cli.rp_printing import as_json, printed, shown, with_world
from config.cli.rp_registering import add, change
from config.cli.rp_report import report
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.protocol.client import Client
from idp.stores.clients import Clients


@click.group()
def rp() -> None:
    """Register, change, list, show and remove relying parties; grade them."""


rp.add_command(add)
rp.add_command(change)
rp.add_command(report)


@rp.command("list")
@as_json
@click.pass_obj
def list_clients(settings_file: str | None, as_json: bool) -> None:
    """List every relying party."""

    async def read(world: World) -> list[Client]:
        return await Clients(world.database).all()

    clients = asyncio.run(with_world(settings_of(settings_file), read))
    if as_json:
        click.echo(json.dumps([shown(client) for client in clients], indent=2))
        return
    for client in clients:
        method = client.token_endpoint_auth_method
        click.echo(f"{client.client_id:24} {method:20} {client.issuer}  {client.name(())}")


@rp.command()
@click.argument("client_id")
@as_json
@click.pass_obj
def show(settings_file: str | None, client_id: str, as_json: bool) -> None:
    """Show the registration of one relying party."""

    async def read(world: World) -> Client | None:
        return await Clients(world.database).find(client_id)

    client = asyncio.run(with_world(settings_of(settings_file), read))
    if client is None:
        raise NotPossible(f"there is no client {client_id}")
    printed(shown(client), as_json)


@rp.command()
@click.argument("client_id")
@click.pass_obj
def remove(settings_file: str | None, client_id: str) -> None:
    """Remove a relying party and end everything that residents granted it."""

    async def take(world: World) -> bool:
        return await registrar(world).remove(client_id, world.clock.now())

    if not asyncio.run(with_world(settings_of(settings_file), take)):
        raise NotPossible(f"there is no client {client_id}")
    click.echo(f"{client_id} was removed.")
