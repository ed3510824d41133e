"""Which endpoint answers: routes compiled into one table for each origin."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from config.runtime.web.answer import Answer, Headers
from config.runtime.web.budget import Budget
from config.runtime.web.call import Call

Endpoint = Callable[[Call], Awaitable[Answer]]

_SEGMENT = r"[A-Za-z0-9._~-]{1,200}"
_REST = r"[A-Za-z0-9._~+/=-]{1,400}"
_PLACE = re.compile(r"\{([a-z_]+)\}")
_SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"WWW-Authenticate, DPoP-Nonce, Retry-After"),
]


class Misdirected(Exception):
    """The request names a host that is not ours (RFC 9110 §15.5.20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address and what answers it, by method (HEAD comes with GET).

    ``path`` may hold templates: ``/login/{login_id}/consent``; a value is one segment of unreserved
    characters, found in ``call.captured``; ``{rest}`` is all that remains, of base64's characters
    and so with slashes, too. ``budget`` names the bulkhead. ``page`` says that people
    see it: failures become pages, and forms of other sites are refused unless ``cross_site``.
    ``page_for_browsers`` says that programs use it, too: failures are pages for who reads pages.
    ``cors`` lets scripts of any site read the answers, without cookies. ``origins`` limits the
    route to some of the house's origins; none means all. ``errors_at`` is the address below which
    the error codes of its refusals are explained (``error_uri``, RFC 6749 §5.2). ``streamed`` says
    that its bodies may be long: the endpoint takes its place before it reads them, by
    ``call.pieces``. ``operations`` holds, by method, what OpenAPI says of it (``summary``,
    ``parameters``, ``requestBody``, ``responses``).
    """

    path: str
    endpoints: Mapping[str, Endpoint]
    budget: str
    page: bool = False
    page_for_browsers: bool = False
    cors: bool = False
    cross_site: bool = False
    origins: Sequence[str] = ()
    errors_at: str = ""
    streamed: bool = False
    operations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A route made ready: what is the same for each of its requests is computed once."""

    path: str
    endpoints: Mapping[str, Endpoint]
    allow: bytes
    budget: Budget
    page: bool
    page_for_browsers: bool
    same_site: bool
    errors_at: str
    streamed: bool
    headers: Headers
    preflight: Headers | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The routes of one origin. ``headers`` go with every answer, found or not."""

    origin: str
    headers: Headers
    static: Mapping[str, Entry]
    templates: Mapping[str, Sequence[tuple[re.Pattern[str], Entry]]]

    def find(self, call: Call) -> Entry | None:
        """Return the entry of the call's path and put the template's values into the call."""
        entry = self.static.get(call.path)
        if entry is not None:
            return entry
        for pattern, candidate in self.templates.get(_first_segment(call.path), ()):
            match = pattern.fullmatch(call.path)
            if match is not None:
                call.captured = match.groupdict()
                return candidate
        return None


def sites(
    routes: Iterable[Route], origins: Sequence[str], budgets: Mapping[str, Budget]
) -> dict[str, Site]:
    """Return the site for each value of the Host header that is ours, in lower case.

    Raises ValueError when two routes claim one path, KeyError when a budget is not known.
    """
    known = list(routes)
    found = {}
    for origin in origins:
        site = _site(origin, [r for r in known if not r.origins or origin in r.origins], budgets)
        for host in _hosts(origin):
            found[host] = site
    return found


def _hosts(origin: str) -> list[str]:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or origin.endswith("/"):
        raise ValueError(f"not an origin: {origin}")
    default = 443 if parts.scheme == "https" else 80
    host = parts.netloc.lower()
    if parts.port is None:
        return [host, f"{host}:{default}"]
    return [host.removesuffix(f":{default}"), host] if parts.port == default else [host]


def _site(origin: str, routes: Sequence[Route], budgets: Mapping[str, Budget]) -> Site:
    security = [*_SECURITY, _HSTS] if origin.startswith("https:") else _SECURITY
    static: dict[str, Entry] = {}
    templates: dict[str, list[tuple[re.Pattern[str], Entry]]] = {}
    seen = set()
    for route in routes:
        if route.path in seen or not route.path.startswith("/"):
            raise ValueError(f"two routes for one path, or no path: {route.path}")
        seen.add(route.path)
        entry = _entry(route, security, budgets[route.budget])
        if "{" in route.path:
            templates.setdefault(_first_segment(route.path), []).append(
                (_pattern(route.path), entry)
            )
        else:
            static[route.path] = entry
    return Site(origin=origin, headers=security, static=static, templates=templates)


def _entry(route: Route, security: Headers, budget: Budget) -> Entry:
    endpoints = dict(route.endpoints)
    if "GET" in endpoints:
        endpoints.setdefault("HEAD", endpoints["GET"])
    methods = sorted({*endpoints, "OPTIONS"} if route.cors else endpoints)
    allow = ", ".join(methods).encode()
    preflight = None
    if route.cors:
        preflight = [
            (b"access-control-allow-methods", allow),
            (b"access-control-allow-headers", b"Authorization, Content-Type, DPoP"),
            (b"access-control-max-age", b"3600"),
        ]
    return Entry(
        path=route.path,
        endpoints=endpoints,
        allow=allow,
        budget=budget,
        page=route.page,
        page_for_browsers=route.page_for_browsers,
        same_site=route.page and not route.cross_site,
        errors_at=route.errors_at,
        streamed=route.streamed,
        headers=[*security, *_CORS] if route.cors else security,
        preflight=preflight,
    )


def _first_segment(path: str) -> str:
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    if "{" in first:
        raise ValueError(f"the first segment of a path must be fixed: {path}")
    return first


def _pattern(path: str) -> re.Pattern[str]:
    """Compile ``/login/{login_id}`` into a regular expression with one group for each value."""
    pieces = _PLACE.split(path)
    text = re.escape(pieces[0])
    for name, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        text += f"(?P<{name}>{_REST if name == 'rest' else _SEGMENT})" + re.escape(piece)
    return re.compile(text, re.ASCII)
