"""``symbolon rp``: register, list, show and remove relying parties.

A secret or private key is printed once, when the client is added, and kept nowhere.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from joserfc.jwk import ECKey

from config.cli.failures import NotPossible
from config.cli.opening import settings_of
from config.runtime.outbound import FetchFailed
from config.settings import Settings
from config.wiring.production import open_world
from config.wiring.registering import registrar
from config.wiring.world import World
from idp.protocol.checks import RESPONSE_MODES
from idp.protocol.client import Client
from idp.protocol.errors import OAuthError
from idp.protocol.profile import PROFILES
from idp.protocol.registration import METHODS
from idp.stores.clients import Clients
from keystore.purposes import Role

T = TypeVar("T")
_HIDDEN = ("secret_digest", "sealed_secret", "jwks")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def rp() -> None:
    """Register, list, show and remove relying parties."""


@rp.command()
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True, help="Repeatable.")
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True)
@click.option(
    "--auth-method",
    "token_endpoint_auth_method",
    type=click.Choice(METHODS),
    default="private_key_jwt",
    show_default=True,
)
@click.option("--profile", type=click.Choice(tuple(PROFILES)), default="fapi2", show_default=True)
@click.option(
    "--bound-to",
    type=click.Choice(("dpop", "certificate", "nothing")),
    help="What its access tokens are bound to; default: a DPoP key, if the profile demands one.",
)
@click.option("--auth-alg", "token_endpoint_auth_signing_alg", help="Default: any that is safe.")
@click.option("--jwks", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--jwks-uri", help="Where the client publishes its keys.")
@click.option("--generate-key", is_flag=True, help="Make a key pair; the private half is printed.")
@click.option("--scope", default="openid profile email phone address", show_default=True)
@click.option("--offline", is_flag=True, help="Allow refresh tokens (scope offline_access).")
@click.option("--sector", default="", help="Host of pairwise subjects, or https address of a list.")
@click.option("--public-subject", is_flag=True, help="The same subject at every such client.")
@click.option("--id-token-alg", "id_token_signed_response_alg", help="Default: the issuer's first.")
@click.option("--id-token-encryption-alg", "id_token_encrypted_response_alg")
@click.option("--userinfo-alg", "userinfo_signed_response_alg", help="Default: plain JSON.")
@click.option("--userinfo-encryption-alg", "userinfo_encrypted_response_alg")
@click.option("--native", is_flag=True, help="An application on a device (RFC 8252).")
@click.option("--response-mode", "response_modes", multiple=True, type=click.Choice(RESPONSE_MODES))
@click.option("--without-pkce", is_flag=True, help="Do not demand PKCE of a confidential client.")
@click.option("--purpose", default="", help="Why it asks: shown to the person.")
@click.option("--logo-uri")
@click.option("--policy-uri")
@click.option("--tos-uri")
@click.option("--details-type", "authorization_details_types", multiple=True, help="RFC 9396.")
@click.option("--audience", help="The resource server whose tokens it may introspect.")
@click.option("--issuer", help="Address of the issuer; default: the first.")
@click.option("--client-id", default="", help="Default: a random one.")
@as_json
@click.pass_obj
def add(settings_file: str | None, /, as_json: bool, **options: Any) -> None:
    """Register a relying party; prints its client_id, and its secret or private key this once."""
    settings = settings_of(settings_file)
    sector = options.pop("sector")
    private = _generated(options)
    wish = _wish(settings, options)

    async def register(world: World) -> dict[str, Any]:
        try:
            made = await registrar(world).add(wish, sector, world.clock.now())
        except OAuthError as refusal:
            raise NotPossible(f"{refusal.code}: {refusal.description}") from refusal
        except FetchFailed as failure:
            raise NotPossible(f"the list of the sector cannot be read: {failure}") from failure
        shown = _shown(made.client)
        if made.secret is not None:
            shown["client_secret"] = made.secret
        if private is not None:
            shown["private_jwk"] = private
        return shown

    _print(asyncio.run(_with_world(settings, register)), as_json)


@rp.command("list")
@as_json
@click.pass_obj
def list_clients(settings_file: str | None, as_json: bool) -> None:
    """List every relying party."""

    async def read(world: World) -> list[Client]:
        return await Clients(world.database).all()

    clients = asyncio.run(_with_world(settings_of(settings_file), read))
    if as_json:
        click.echo(json.dumps([_shown(client) for client in clients], indent=2))
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

    client = asyncio.run(_with_world(settings_of(settings_file), read))
    if client is None:
        raise NotPossible(f"there is no client {client_id}")
    _print(_shown(client), as_json)


@rp.command()
@click.argument("client_id")
@click.pass_obj
def remove(settings_file: str | None, client_id: str) -> None:
    """Remove a relying party and end everything that residents granted it."""

    async def take(world: World) -> bool:
        return await registrar(world).remove(client_id, world.clock.now())

    if not asyncio.run(_with_world(settings_of(settings_file), take)):
        raise NotPossible(f"there is no client {client_id}")
    click.echo(f"{client_id} was removed.")


async def _with_world(settings: Settings, work: Callable[[World], Awaitable[T]]) -> T:
    async with open_world(settings, Role.OPERATOR) as world:
        return await work(world)


def _generated(options: dict[str, Any]) -> dict[str, Any] | None:
    """Put keys into ``options`` as bytes; return the private one that was made for it."""
    file = options.pop("jwks")
    options["jwks"] = None if file is None else file.read_bytes()
    if not options.pop("generate_key"):
        return None
    if file is not None or options["jwks_uri"]:
        raise click.UsageError("--generate-key excludes --jwks and --jwks-uri")
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, private=True, auto_kid=True)
    options["jwks"] = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    return dict(key.as_dict(private=True))


def _wish(settings: Settings, options: dict[str, Any]) -> Client:
    address = options.pop("issuer") or settings.issuers[0].address
    issuer = next((one for one in settings.issuers if one.address == address), settings.issuers[0])
    scope = frozenset(options.pop("scope").split())
    grant_types = ["authorization_code"]
    if options.pop("offline"):
        scope |= {"offline_access"}
    if "offline_access" in scope:
        grant_types.append("refresh_token")
    name, purpose = options.pop("name"), options.pop("purpose")
    bound = options.pop("bound_to")
    if bound is None and PROFILES[options["profile"]].sender_constrained:
        bound = "dpop"
    options["response_modes"] = options["response_modes"] or RESPONSE_MODES
    options["id_token_signed_response_alg"] = (
        options["id_token_signed_response_alg"] or issuer.signing_algs[0]
    )
    return Client(
        issuer=address,
        dpop_bound_access_tokens=bound == "dpop",
        tls_client_certificate_bound_access_tokens=bound == "certificate",
        names={"": name},
        purposes={"": purpose} if purpose else {},
        application_type="native" if options.pop("native") else "web",
        subject_type="public" if options.pop("public_subject") else "pairwise",
        require_pkce=not options.pop("without_pkce"),
        grant_types=tuple(grant_types),
        scope=scope,
        sector="",
        **options,
    )


def _shown(client: Client) -> dict[str, Any]:
    """Return the registration without what is secret, and without what is not set."""
    built: dict[str, Any] = msgspec.to_builtins(client)
    shown = {name: value for name, value in built.items() if value not in (None, [], {}, "")}
    for name in _HIDDEN:
        shown.pop(name, None)
    shown["scope"] = " ".join(sorted(client.scope))
    if client.jwks is not None:
        shown["jwks"] = json.loads(client.jwks)
    return shown


def _print(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{name:40} {text}")
