"""What an issuer says of itself, taken from the very endpoint that serves it."""

from collections.abc import MutableMapping
from typing import Any

import msgspec

from config.runtime.crashpoints import never
from config.runtime.web import Call
from config.settings import Issuer
from config.wiring.machine import machine
from config.wiring.stores import Stores
from config.wiring.world import World
from idp.protocol.discovery import well_known_paths


async def published(world: World, issuer: Issuer) -> dict[str, Any]:
    """Return the metadata of ``issuer``, as its server would answer them."""
    path, _ = well_known_paths(issuer.address)
    routes = machine(world, issuer, Stores.of(world), never).routes
    route = next(route for route in routes if route.path == path)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    answer = await route.endpoints["GET"](Call(scope, _nothing))
    return msgspec.json.decode(answer.body, type=dict[str, Any])


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
