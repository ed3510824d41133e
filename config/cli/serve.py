"""``symbolon serve``: the web server."""

import asyncio
from dataclasses import replace

import click
import msgspec

from config.cli.opening import settings_of
from config.runtime.logs import configure_logs
from config.settings import Settings, SettingsError
from config.wiring.application import Application
from config.wiring.loops import calm_the_collector, use_uvloop
from config.wiring.production import open_world
from config.wiring.serving import Listening, Server
from keystore.purposes import Role


@click.command()
@click.argument("product", type=click.Choice(["idp", "esignet"]), default="idp")
@click.pass_obj
def serve(settings_file: str | None, product: str) -> None:
    """Run a web server until SIGTERM: of idp (people sign in), or of esignet (they sign).

    Each has a socket of the key service of its own: run them as different system users.
    """
    configure_logs()
    settings = settings_of(settings_file)
    use_uvloop()
    asyncio.run(_serve(settings) if product == "idp" else serve_esignet(settings))


async def _serve(settings: Settings) -> None:
    from config.wiring.app import build_application  # neither product loads the other

    async with open_world(settings, Role.IDP) as world:
        await serve_application(build_application(world), settings)


async def serve_esignet(settings: Settings) -> None:
    """Serve every face of the signing service until SIGTERM."""
    from config.wiring.esignet import build_esignet

    esignet = settings.esignet
    if not esignet.address:
        raise SettingsError("esignet.address is empty: say where the signing service is reached")
    web = msgspec.structs.replace(
        settings.web,
        host=esignet.host,
        port=esignet.port,
        operations_port=esignet.operations_port,
        mtls_port=0,
    )
    async with open_world(settings, Role.ESIGNET) as world:
        mine = msgspec.structs.replace(settings, web=web)
        await serve_application(build_esignet(world), mine)


async def serve_application(application: Application, settings: Settings) -> None:
    """Serve every face of ``application`` until SIGTERM."""
    calm_the_collector()
    web = settings.web
    listening = Listening(
        host=web.host,
        port=web.port,
        certificate=web.certificate,
        certificate_key=web.certificate_key,
        drain=web.drain,
    )
    public = Server(application.web, listening, on_stop=application.web.drain)
    beside = []
    if web.mtls_port:
        asking = replace(listening, port=web.mtls_port, asks=True)
        beside.append(Server(application.web, asking))
    if web.operations_port:
        host = web.operations_host or web.host
        beside.append(
            Server(application.operations, Listening(host=host, port=web.operations_port))
        )
    tasks = [asyncio.create_task(server.serve_quietly()) for server in beside]
    try:
        await public.serve()
    finally:
        for server in beside:
            server.should_exit = True
        await asyncio.gather(*tasks)
