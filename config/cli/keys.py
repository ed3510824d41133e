"""``symbolon keys``: run the key service; list and rotate keys."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import click

from config.cli.failures import NotPossible
from config.cli.keys_ceremony import ceremony
from config.cli.opening import settings_of
from config.runtime.clock import SystemClock
from config.runtime.entropy import SystemEntropy
from config.runtime.logs import configure_logs
from config.settings import Settings
from config.wiring.keys import serve_keys
from config.wiring.loops import calm_the_collector, use_uvloop
from keystore.authority.revoking import Reason
from keystore.backends.backend import Algorithm
from keystore.door import NotPermitted
from keystore.purposes import OwnRing, Role
from keystore.service.client import KeyOperator
from keystore.service.frames import ListedKey
from keystore.service.run import socket_path


@click.group()
def keys() -> None:
    """Run the key service; list and rotate keys."""


keys.add_command(ceremony)


@keys.command()
@click.pass_obj
def serve(settings_file: str | None) -> None:
    """Run the key service: the only process that holds keys."""
    configure_logs()
    settings = settings_of(settings_file)

    def ready() -> None:
        calm_the_collector()
        click.echo(f"The key service listens in {settings.keys.sockets}", err=True)

    use_uvloop()
    asyncio.run(serve_keys(settings, SystemClock(), SystemEntropy(), ready))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_keys(settings_file: str | None, as_json: bool) -> None:
    """List every key version with its state."""
    listed = asyncio.run(_listed(settings_of(settings_file)))
    if as_json:
        click.echo(json.dumps([_shown(key) for key in listed], indent=2))
        return
    for key in listed:
        since = datetime.fromtimestamp(key.since, UTC).isoformat()
        told = f"  needed by {key.holds} stored keys" if key.holds else ""
        told += f"  ({key.trouble})" if key.trouble else ""
        click.echo(f"{key.ring:44} {key.algorithm:8} {key.state:10} {since}  {key.kid}{told}")


@keys.command()
@click.argument("ring")
@click.argument("algorithm", type=click.Choice([a.value for a in Algorithm]))
@click.option("--emergency", is_flag=True, help="Use the new key at once: the old one is burnt.")
@click.pass_obj
def rotate(settings_file: str | None, ring: str, algorithm: str, emergency: bool) -> None:
    """Begin a new version of a key. RING and ALGORITHM are as `keys list` shows them."""
    settings = settings_of(settings_file)
    key = asyncio.run(_rotated(settings, ring, Algorithm(algorithm), emergency))
    click.echo(f"{key.kid} is {key.state}")
    if ring == OwnRing.ISSUING and settings.esignet.root_key == "elsewhere":
        click.echo("It waits for the root: symbolon keys ceremony --request FILE")


@keys.command("revoke-certificate")
@click.argument("serial")
@click.option(
    "--reason", type=click.Choice([one.value for one in Reason]), default=Reason.UNSPECIFIED.value
)
@click.pass_obj
def revoke_certificate(settings_file: str | None, serial: str, reason: str) -> None:
    """Take a certificate of our authority back, for good. SERIAL is hexadecimal."""
    asyncio.run(_revoked(settings_of(settings_file), serial, Reason(reason)))
    click.echo(f"{serial} is revoked; the next list and every answer say so")


async def _listed(settings: Settings) -> list[ListedKey]:
    operator = _operator(settings)
    try:
        return await operator.keys()
    finally:
        await operator.close()


async def _rotated(
    settings: Settings, ring: str, algorithm: Algorithm, emergency: bool
) -> ListedKey:
    operator = _operator(settings)
    try:
        return await operator.rotate(ring, algorithm, emergency=emergency)
    except NotPermitted as reason:
        raise NotPossible(str(reason)) from reason
    finally:
        await operator.close()


async def _revoked(settings: Settings, serial: str, reason: Reason) -> None:
    operator = _operator(settings)
    try:
        await operator.revoke_certificate(serial, reason)
    except NotPermitted as refusal:
        raise NotPossible(str(refusal)) from refusal
    finally:
        await operator.close()


def _operator(settings: Settings) -> KeyOperator:
    return KeyOperator(socket_path(Path(settings.keys.sockets), Role.OPERATOR))


def _shown(key: ListedKey) -> dict[str, object]:
    names = ("kid", "ring", "algorithm", "version", "state", "since", "holds", "trouble")
    return {name: getattr(key, name) for name in names}
