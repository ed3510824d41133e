"""``symbolon rp add`` and ``symbolon rp change``.

A secret or private key is printed once, when it is made, and kept nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.cli.rp_members import REMOVABLE, applied, generated, without
from config.cli.rp_options import registration_options
from config.cli.rp_printing import as_json, printed, shown, with_world
from config.runtime.outbound import FetchFailed
from config.settings import Settings
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.flows.registration import Registered
from idp.protocol.client import Client
from idp.protocol.errors import OAuthError

SCOPE = "openid profile email phone address"


@click.command()
@click.argument("name")
@click.option("--name", "names", multiple=True, help="The name in another language: fr=TEXT.")
@registration_options
@click.option("--sector", default="", help="Host of pairwise subjects, or https address of a list.")
@click.option("--public-subject", is_flag=True, help="The same subject at every such client.")
@click.option("--issuer", help="Address of the issuer; default: the first.")
@click.option("--client-id", default="", help="Default: a random one.")
@as_json
@click.pass_obj
def add(settings_file: str | None, /, as_json: bool, **options: Any) -> None:
    """Register a relying party; prints its client_id, and its secret or private key this once."""
    settings = settings_of(settings_file)
    sector = options.pop("sector")
    private = generated(options)
    wish = applied(_blank(settings, options), options)

    async def register(world: World) -> Registered:
        return await registrar(world).add(wish, sector, world.clock.now())

    printed(_done(settings, register) | _once(private), as_json)


@click.command()
@click.argument("client_id")
@click.option("--name", "names", multiple=True, help="TEXT, or fr=TEXT; an empty one goes.")
@registration_options
@click.option("--unset", multiple=True, type=click.Choice(REMOVABLE), help="Repeatable.")
@click.option("--new-secret", is_flag=True, help="Make a new secret; the old one ends at once.")
@as_json
@click.pass_obj
def change(settings_file: str | None, /, client_id: str, as_json: bool, **options: Any) -> None:
    """Change what is given of a registration; lists are replaced. Its subjects stay the same."""
    settings = settings_of(settings_file)
    unset, new_secret = options.pop("unset"), options.pop("new_secret")
    private = generated(options)

    def edit(client: Client) -> Client:
        return applied(without(client, unset), options)

    async def register(world: World) -> Registered:
        now = world.clock.now()
        changed = await registrar(world).change(client_id, edit, now, new_secret=new_secret)
        if changed is None:
            raise NotPossible(f"there is no client {client_id}")
        return changed

    printed(_done(settings, register) | _once(private), as_json)


def _blank(settings: Settings, options: dict[str, Any]) -> Client:
    """Return the registration that ``options`` are applied to, as far as it must be decided."""
    address = options.pop("issuer") or settings.issuers[0].address
    issuer = next((one for one in settings.issuers if one.address == address), settings.issuers[0])
    return Client(
        client_id=options.pop("client_id"),
        issuer=address,
        names={"": options.pop("name")},
        redirect_uris=(),
        token_endpoint_auth_method="private_key_jwt",
        sector="",
        scope=frozenset(SCOPE.split()),
        subject_type="public" if options.pop("public_subject") else "pairwise",
        id_token_signed_response_alg=issuer.signing_algs[0],
    )


def _done(settings: Settings, register: Callable[[World], Awaitable[Registered]]) -> dict[str, Any]:
    """Return what is to be shown of what ``register`` made, or raise NotPossible."""
    try:
        made = asyncio.run(with_world(settings, register))
    except OAuthError as refusal:
        raise NotPossible(f"{refusal.code}: {refusal.description}") from refusal
    except FetchFailed as failure:
        raise NotPossible(f"the list of the sector cannot be read: {failure}") from failure
    return shown(made.client) | ({"client_secret": made.secret} if made.secret else {})


def _once(private: dict[str, Any] | None) -> dict[str, Any]:
    return {} if private is None else {"private_jwk": private}
