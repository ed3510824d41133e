"""The one HTTP client: for addresses that others chose, so with rules, limits and a deadline."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from config.runtime.breaker import Breaker
from config.runtime.clock import Clock
from config.runtime.destinations import Destination, NotAllowed, Rules, destination, judge
from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

LARGEST = 65_536
"""Bytes of an answer that are read at most."""

SECONDS = 3.0
"""Until the whole answer is here, name resolution included."""

KEPT = 2.0
"""Seconds for which an idle connection is used again: less than any server keeps one, because a
request that meets a closing connection is lost."""

_MOST_HOSTS = 1000
_COMMON = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "Symbolon"}
_MOST_CONNECTIONS = 64
_MOST_AT_ONCE = 8


class FetchFailed(Exception):
    """Nothing usable came back. ``reason`` is one word for logs and metrics: address, busy, open,
    network, redirect, status, timeout, type, size, json. The URL is not in the text.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What is posted."""

    url: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came back. ``content_type`` is in lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


@dataclass(slots=True)
class _Host:
    breaker: Breaker
    running: int = 0


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the operating system for the addresses of ``host``."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=1)
    return [entry[4][0] for entry in found if isinstance(entry[4][0], str)]


class Fetcher:
    """Connects to the address that was judged, with the name that was asked for (TLS and Host).

    Never follows a redirect, never uses a proxy of the environment, keeps no cookie and, unless it
    is told to, no connection: one between two names of one address would be trusted for both.
    """

    def __init__(
        self,
        clock: Clock,
        rules: Rules,
        resolve: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
        *,
        keep: bool = False,
    ) -> None:
        """``keep`` keeps connections: only for one address, which the operator configured."""
        self._clock = clock
        self._rules = rules
        self._resolve = resolve
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        # The transport alone: a client would keep cookies for an address that two names share,
        # and write every URL into the log.
        self._transport = httpx2.AsyncHTTPTransport(
            verify=trust or ssl.create_default_context(),
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=_MOST_CONNECTIONS,
                max_keepalive_connections=_MOST_CONNECTIONS if keep else 0,
                keepalive_expiry=KEPT,
            ),
        )

    async def get(
        self, url: str, kinds: Collection[str], limit: int = LARGEST, seconds: float = SECONDS
    ) -> Fetched:
        """Return what is at ``url``; anything but 200 and one of these ``kinds`` (content types, in
        lower case) raises FetchFailed.
        """
        request = _Request("GET", url, {"accept": ", ".join(sorted(kinds))}, b"", limit)
        fetched = await self._fetch(request, seconds)
        if fetched.status != 200:
            raise FetchFailed("status", str(fetched.status))
        if fetched.content_type not in kinds:
            raise FetchFailed("type")
        return fetched

    async def get_json(self, url: str, limit: int = LARGEST, seconds: float = SECONDS) -> object:
        """Return the JSON document at ``url``; anything but 200 and JSON raises FetchFailed."""
        request = _Request("GET", url, {"accept": "application/json"}, b"", limit)
        fetched = await self._fetch(request, seconds)
        if fetched.status != 200:
            raise FetchFailed("status", str(fetched.status))
        kind = fetched.content_type
        if kind != "application/json" and not (
            kind.startswith("application/") and kind.endswith("+json")
        ):
            raise FetchFailed("type")
        try:
            return strict_json(fetched.body)
        except Malformed as fault:
            raise FetchFailed("json", fault.description) from None

    async def post(
        self, outgoing: Outgoing, limit: int = LARGEST, seconds: float = SECONDS
    ) -> Fetched:
        """Post once and return the answer, whatever its status but a redirect."""
        headers = {**outgoing.headers, "content-type": outgoing.content_type}
        request = _Request("POST", outgoing.url, headers, outgoing.body, limit)
        return await self._fetch(request, seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _fetch(self, request: "_Request", seconds: float) -> Fetched:
        try:
            asked = destination(request.url, self._rules)
        except NotAllowed as fault:
            raise FetchFailed("address", str(fault)) from None
        async with self._place(asked) as breaker:
            try:
                async with asyncio.timeout(seconds):
                    address = judge(await self._resolve(asked.host, asked.port), asked, self._rules)
                    fetched = await self._exchange(request, asked, address)
            except NotAllowed as fault:
                raise FetchFailed("address", str(fault)) from None
            except (OSError, UnicodeError, httpx2.HTTPError, httpx2.InvalidURL) as fault:
                breaker.failed()
                reason = "timeout" if isinstance(fault, TimeoutError) else "network"
                raise FetchFailed(reason, type(fault).__name__) from None
            if fetched.status >= 500:
                breaker.failed()
            else:
                breaker.succeeded()
            return fetched

    async def _exchange(self, request: "_Request", asked: Destination, address: str) -> Fetched:
        host = f"[{address}]" if ":" in address else address
        sent = httpx2.Request(
            request.method,
            f"{asked.scheme}://{host}:{asked.port}{asked.target}",
            headers={**_COMMON, **request.headers, "host": asked.authority},
            content=request.body or None,
            extensions={"sni_hostname": asked.host},  # no timeout: the deadline is over everything
        )
        answer = await self._transport.handle_async_request(sent)
        try:
            return await _read(answer, request.limit)
        finally:
            await answer.aclose()

    @asynccontextmanager
    async def _place(self, asked: Destination) -> AsyncIterator[Breaker]:
        key = f"{asked.host}:{asked.port}"
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host(Breaker(self._clock))
            if len(self._hosts) > _MOST_HOSTS:
                self._hosts.popitem(last=False)
        self._hosts.move_to_end(key)
        if host.running >= _MOST_AT_ONCE:
            raise FetchFailed("busy")
        if not host.breaker.allows():
            raise FetchFailed("open")
        host.running += 1
        try:
            yield host.breaker
        finally:
            host.running -= 1


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    limit: int


async def _read(answer: httpx2.Response, limit: int) -> Fetched:
    if 300 <= answer.status_code < 400:
        raise FetchFailed("redirect")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise FetchFailed("type", "content encoding")
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > limit:
            raise FetchFailed("size")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(status=answer.status_code, content_type=kind, body=bytes(body))
