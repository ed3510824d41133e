"""The OpenAPI 3.1 document of a set of routes, made from their declarations."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from config.runtime.web.sites import Route

_PLACE = re.compile(r"\{([a-z_]+)\}")
_UNDECLARED = {"default": {"description": "See the documentation."}}


def openapi(
    routes: Iterable[Route], title: str, version: str, schemas: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1.1) as a plain dict.

    Each method of each route is an operation, with what ``Route.operations`` declares of it.
    Template values become parameters by themselves. ``schemas`` go to ``components``.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {}).update(
            {method.lower(): _operation(route, method) for method in sorted(route.endpoints)}
        )
    document: dict[str, Any] = {
        "openapi": "3.1.1",
        "info": {"title": title, "version": version},
        "paths": dict(sorted(paths.items())),
    }
    if schemas:
        document["components"] = {"schemas": dict(schemas)}
    return document


def _operation(route: Route, method: str) -> dict[str, Any]:
    declared = dict(route.operations.get(method, {}))
    captured = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]
    parameters = [*captured, *declared.pop("parameters", ())]
    operation = {
        "operationId": _identifier(route.path, method),
        **({"parameters": parameters} if parameters else {}),
        "responses": declared.pop("responses", _UNDECLARED),
    }
    return {**operation, **declared}


def _identifier(path: str, method: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
    return f"{method.lower()}_{words or 'root'}"
