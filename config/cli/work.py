"""``symbolon work``: the worker."""

import asyncio
import signal

import click

from config.cli.opening import settings_of
from config.runtime.logs import configure_logs
from config.settings import Settings
from config.wiring.loops import calm_the_collector, use_uvloop
from config.wiring.production import open_world
from config.wiring.worker import work as do_work
from keystore.purposes import Role


@click.command()
@click.pass_obj
def work(settings_file: str | None) -> None:
    """Deliver messages, order the audit, remove what expired; until SIGTERM."""
    configure_logs()
    use_uvloop()
    asyncio.run(_work(settings_of(settings_file)))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_world(settings, Role.WORKER) as world:
        calm_the_collector()
        await do_work(world, stop)
