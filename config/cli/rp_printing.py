"""How registrations are read and printed: without what is secret or not set."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from config.settings import Settings
from config.wiring.production import open_world
from config.wiring.world import World
from idp.protocol.client import Client
from keystore.purposes import Role

T = TypeVar("T")
_HIDDEN = ("secret_digest", "sealed_secret", "jwks")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


async def with_world(settings: Settings, work: Callable[[World], Awaitable[T]]) -> T:
    """Return what ``work`` makes of the deployment, opened as its operator."""
    async with open_world(settings, Role.OPERATOR) as world:
        return await work(world)


def shown(client: Client) -> dict[str, Any]:
    """Return the registration without what is secret, and without what is not set."""
    built: dict[str, Any] = msgspec.to_builtins(client)
    visible = {name: value for name, value in built.items() if value not in (None, [], (), {}, "")}
    for name in _HIDDEN:
        visible.pop(name, None)
    for name in ("scope", "audience_scope"):
        if name in visible:
            visible[name] = " ".join(sorted(visible[name]))
    if client.jwks is not None:
        visible["jwks"] = json.loads(client.jwks)
    return visible


def printed(registration: dict[str, Any], as_json: bool) -> None:
    """Print one registration."""
    if as_json:
        click.echo(json.dumps(registration, indent=2, ensure_ascii=False))
        return
    for name, value in registration.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{name:40} {text}")
