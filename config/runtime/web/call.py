"""A request and its answer on raw ASGI: `Call`, `Answer`, and the makers of answers.

An endpoint is ``async def token(self, call: Call) -> Answer``. Nothing here builds a URL from what
a client sent: the path is ``scope["path"]``, the origin comes from the settings.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from config.runtime.malformed import Malformed
from config.runtime.strict_json import strict_json
from config.runtime.web.addresses import NO_PROXIES, TrustedProxies, client_of
from config.runtime.web.arriving import SHORT, Arrivals, Disconnected, Receive, paced, unhindered
from config.runtime.web.budget import Place
from config.runtime.web.certificates import CERTIFICATE, ClientCertificate, passed_on
from config.runtime.web.forms import fields

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY = SHORT
"""Bytes of a body, unless the endpoint says otherwise."""

WHOLE = "symbolon.whole"
"""Stands in the scope when the server has the whole body: then nothing has to be timed."""

_LISTS = frozenset(
    (
        *(b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"cache-control"),
        *(b"client-cert-chain", b"connection", b"forwarded", b"if-match", b"if-none-match"),
        *(b"pragma", b"te", b"trailer", b"transfer-encoding", b"via", b"x-forwarded-for"),
    )
)
_TWICE = b"\n"
"""Stands for a header that must not come twice and did; no header can hold it."""


class Call:
    """One request. ``captured`` holds the values of the path template; ``origin`` is the
    configured origin under which it came (``https://id.example``), ``request_id`` is ours,
    ``errors_at`` is the `Route`'s, ``proxies`` and ``arrivals`` are the `House`'s. ``place`` is
    where it is worked on.
    """

    __slots__ = (
        "_body",
        "_cookies",
        "_headers",
        "_receive",
        "arrivals",
        "captured",
        "errors_at",
        "method",
        "origin",
        "path",
        "place",
        "proxies",
        "request_id",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.origin = ""
        self.request_id = ""
        self.errors_at = ""
        self.proxies = NO_PROXIES
        self.arrivals: Arrivals | None = None
        self.place: Place | None = None
        self.captured: dict[str, str] = {}
        self._cookies: Mapping[str, str] | None = None
        self._headers: dict[bytes, bytes] | None = None
        self._receive = receive
        self._body: bytes | None = None

    @property
    def secure(self) -> bool:
        """Return whether the configured origin is https: never what a proxy or client claims."""
        return self.origin.startswith("https:")

    def error_uri(self, code: str) -> str:
        """Return the address of the page that explains the error ``code``; "" when there is none.

        RFC 6749 §5.2: printable ASCII without double quote and backslash, as addresses are.
        """
        return f"{self.errors_at}/{code}" if self.errors_at else ""

    def header(self, name: str) -> str | None:
        """Return the value of the header ``name`` (lower case), or None.

        A header that is a list is joined with commas; any other that comes twice is Malformed
        (RFC 9110 §5.3): what two readers would read differently is read by neither.
        """
        if self._headers is None:
            self._headers = _headers(self.scope["headers"])
        value = self._headers.get(name.encode())
        if value is None:
            return None
        if value is _TWICE:
            raise Malformed(f"the header {name} stands twice")
        return value.decode("latin-1")

    def query(self) -> list[tuple[str, str]]:
        """Return the pairs of the query string in their order, duplicates included."""
        query: bytes = self.scope["query_string"]
        if len(query) > LARGEST_BODY:
            raise Malformed("the query is too long", 414)
        return fields(query) if query else []

    async def form(self, limit: int = LARGEST_BODY) -> list[tuple[str, str]]:
        """Return the pairs of a form body in their order; duplicates are the protocol's to judge.

        Raises Malformed: 415 for another content type, 413 above ``limit`` bytes, else 400.
        """
        self._demand("application/x-www-form-urlencoded")
        return fields(await self.body(limit))

    async def json(self, limit: int = LARGEST_BODY) -> object:
        """Return what a JSON body says, read strictly (see ``strict_json``); or raise Malformed."""
        self._demand("application/json")
        return strict_json(await self.body(limit))

    async def arrived(self) -> None:
        """Return once a body of usual size is here; a larger one is left to the endpoint.

        Raises Malformed like ``body``, 408 above all.
        """
        length = self.header("content-length")
        if length is None or not (length.isascii() and length.isdigit() and len(length) < 6):
            return
        if int(length) <= LARGEST_BODY:
            await self.body()

    async def body(self, limit: int = LARGEST_BODY) -> bytes:
        """Return the whole body; above ``limit`` bytes it is Malformed (413), and left unread.

        While it comes its place is somebody else's; Overloaded when too much comes at once.
        """
        if self._body is not None and len(self._body) > limit:
            raise Malformed("the body is too large", 413)
        if self._body is None:
            self.announced(limit)
            if WHOLE in self.scope:
                self._body = await self._collect(limit)
            else:
                self._body = await self._awaited(limit)
        return self._body

    def announced(self, limit: int) -> int | None:
        """Return how long the body says it is, None if it does not say; or raise as ``body``."""
        if self.header("content-encoding") not in (None, "identity"):
            raise Malformed("content encodings are not supported", 415)
        length = self.header("content-length")
        if length is None:
            return None
        if not (length.isascii() and length.isdigit()):
            raise Malformed("wrong content-length")
        if len(length) > 12 or int(length) > limit:
            raise Malformed("the body is too large", 413)
        return int(length)

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Yield a long body as it comes (its route is ``streamed``); or raise as ``body``.

        It keeps its place, so it comes as quickly as SLOWEST on the whole.
        """
        self.announced(limit)
        async for piece in paced(self._receive, limit, unhindered):
            yield piece

    def cookies(self) -> Mapping[str, str]:
        """Return the cookies by name. One that comes twice with two values is left out:
        somebody else planted one of them (RFC 6265 §8.6), and nothing says which.
        """
        if self._cookies is None:
            self._cookies = self._read_cookies()
        return self._cookies

    def _read_cookies(self) -> dict[str, str]:
        found: dict[str, str] = {}
        doubtful = set()
        for header, line in self.scope["headers"]:
            if header == b"cookie":
                for pair in line.decode("latin-1").split(";"):
                    name, equals, value = pair.strip(" \t").partition("=")
                    if equals and found.setdefault(name, value) != value:
                        doubtful.add(name)
        for name in doubtful:
            del found[name]
        return found

    def cookie(self, name: str) -> str | None:
        """Return the value of our cookie ``name``, set by ``Answer.set_cookie``; or None."""
        return self.cookies().get(cookie_name(name, self.secure))

    def client_address(self, proxies: TrustedProxies) -> str:
        """Return the client's IP address as text; empty when it is not known."""
        peer = self.scope.get("client")
        return client_of(peer and peer[0], self.header(proxies.header), proxies)

    def client_certificate(self) -> ClientCertificate | None:
        """Return the certificate with which the client proved itself in TLS, or None.

        A proxy that may say so names it; its own certificate, if it has one, is nobody's. What
        anybody else writes into Client-Cert is not looked at (RFC 9440 §4). Raises Malformed.
        """
        proxies, peer = self.proxies, self.scope.get("client")
        if proxies.certificates and proxies.is_one(peer and peer[0]):
            return passed_on(self.header("client-cert"), self.header("client-cert-chain"))
        certificate: ClientCertificate | None = self.scope.get(CERTIFICATE)
        return certificate

    def _demand(self, content_type: str) -> None:
        given, _, parameter = (self.header("content-type") or "").partition(";")
        if given.strip().lower() != content_type:
            raise Malformed(f"the content type must be {content_type}", 415)
        if parameter and parameter.strip().lower() not in ("charset=utf-8", 'charset="utf-8"'):
            raise Malformed("the only charset is UTF-8", 415)

    async def _awaited(self, limit: int) -> bytes:
        if self.place is None or self.arrivals is None:
            return await self._arriving(limit, Arrivals())
        async with self.place.outside():
            return await self._arriving(limit, self.arrivals)

    async def _arriving(self, limit: int, arrivals: Arrivals) -> bytes:
        pieces: list[bytes] = []
        with arrivals.body(self.client_address(self.proxies)) as grown:
            async for piece in paced(self._receive, limit, arrivals.pace):
                grown(len(piece))
                pieces.append(piece)
        return b"".join(pieces)

    async def _collect(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise Malformed("the body is too large", 413)
            if not message.get("more_body"):
                return b"".join((*pieces, piece)) if pieces else piece
            pieces.append(piece)


def _headers(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by name: lists joined, what stands twice and is no list as _TWICE."""
    found = dict(lines)
    if len(found) != len(lines):
        for name in found:
            values = [value for header, value in lines if header == name]
            if len(values) > 1:
                found[name] = b", ".join(values) if name in _LISTS else _TWICE
    return found


def cookie_name(name: str, secure: bool) -> str:
    """Return the name that the browser sees: bound to our host by its prefix (RFC 6265bis §4.1.3).

    On plain http, which is for the demo, browsers refuse the prefix.
    """
    return f"__Host-{name}" if secure else name
