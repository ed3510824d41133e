"""What is sent back: `Answer` and its makers."""

import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec

from config.runtime.web.call import cookie_name

Headers = list[tuple[bytes, bytes]]

_NO_STORE: Headers = [(b"cache-control", b"no-store"), (b"pragma", b"no-cache")]
_JSON: Headers = [(b"content-type", b"application/json")]
_JSON_NO_STORE = _JSON + _NO_STORE
_REDIRECT_CODES = frozenset((302, 303))
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*", re.ASCII)
_SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:(//[A-Za-z0-9.-]+(:[0-9]{1,5})?)?", re.ASCII)
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "form-action 'self'{targets}; frame-ancestors 'none'; base-uri 'none'"
)
_PAGE: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    *_NO_STORE,
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        b"magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
    (b"vary", b"Accept-Encoding, Accept-Language, Cookie"),
]
_PAGE_POLICY = _POLICY.format(targets="").encode()
_BARE_POLICY = b"default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A long body of ``length`` octets in ``pieces``: one that breaks off ends the connection."""

    length: int
    pieces: AsyncGenerator[bytes, None]


@dataclass(slots=True)
class Answer:
    """Status, headers (names in lower case) and body, which may be ``streamed`` instead. `Web`
    adds length, request id and the security headers; ``compressible`` lets it use gzip, ``policy``
    is what a browser that shows the answer may load (CSP): nothing, unless it is a page.
    """

    status: int
    headers: Headers
    body: bytes = b""
    compressible: bool = False
    policy: bytes = _BARE_POLICY
    streamed: Streamed | None = None

    def set_cookie(
        self, name: str, value: str, *, secure: bool, max_age: int | None = None
    ) -> None:
        """Set our cookie ``name`` for the whole host, out of reach of scripts and other sites.

        ``secure`` is ``call.secure``. ``max_age`` in seconds; None lasts as long as the browser
        runs, 0 removes it. A value with characters that a cookie cannot hold is a ValueError.
        """
        if not _COOKIE_VALUE.fullmatch(value):
            raise ValueError("a cookie cannot hold this value")
        text = f"{cookie_name(name, secure)}={value}; Path=/; HttpOnly; SameSite=Lax"
        if secure:
            text += "; Secure"
        if max_age is not None:
            text += f"; Max-Age={max_age}"
        self.headers.append((b"set-cookie", text.encode()))

    def drop_cookie(self, name: str, *, secure: bool) -> None:
        """Remove our cookie ``name`` from the browser."""
        self.set_cookie(name, "", secure=secure, max_age=0)


def json_answer(body: object, status: int = 200, no_store: bool = True) -> Answer:
    """Answer JSON: ``body`` is a value to encode, or bytes that are JSON already."""
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Answer(status, list(_JSON_NO_STORE if no_store else _JSON), encoded)


def bytes_answer(
    body: bytes, content_type: str, status: int = 200, no_store: bool = True
) -> Answer:
    """Answer bytes of any other type, such as ``application/jwt``."""
    return Answer(
        status,
        [(b"content-type", content_type.encode()), *(_NO_STORE if no_store else ())],
        body,
    )


def streamed_answer(streamed: Streamed, content_type: str) -> Answer:
    """Answer what is too long to be held at once, never stored."""
    headers = [(b"content-type", content_type.encode()), *_NO_STORE]
    return Answer(200, headers, streamed=streamed)


def page_answer(
    html: str, status: int = 200, form_targets: Iterable[str] = (), *, max_age: int = 0
) -> Answer:
    """Answer a page with the strictest content security policy that shows it.

    ``max_age``: seconds that the browser may keep it, and no cache between; 0 stores it nowhere.

    ``form_targets`` are sources from ``form_target``: where a form of this page may end up,
    because browsers hold ``form-action`` against the redirects that follow a form as well.
    """
    policy = _PAGE_POLICY
    targets = "".join(f" {target}" for target in form_targets)
    if targets:
        policy = _POLICY.format(targets=targets).encode()
    headers = list(_PAGE)
    if max_age:
        headers = [header for header in _PAGE if header not in _NO_STORE]
        headers.append((b"cache-control", f"private, max-age={max_age}".encode()))
    return Answer(status, headers, html.encode(), compressible=True, policy=policy)


def form_target(uri: str) -> str:
    """Return the source expression (CSP3 §2.3.1) that lets a form end at the redirect URI ``uri``.

    Its origin; or only its scheme where the host is none that a policy can name: a private-use
    scheme, or an IPv6 literal.
    """
    parts = urlsplit(uri)
    source = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    if _SOURCE.fullmatch(source):
        return source
    return f"{parts.scheme}:" if _SOURCE.fullmatch(f"{parts.scheme}:") else "'self'"


def redirect(location: str, status: int = 303) -> Answer:
    """Send the browser to ``location`` with a GET (303), never repeating a POST there.

    Whatever a header cannot hold is percent-encoded, so no location can begin a header of its own.
    """
    if status not in _REDIRECT_CODES:
        raise ValueError("307 and 308 would repeat the form, its secrets included (RFC 9700 §4.12)")
    if not location.isascii() or not location.isprintable() or " " in location:
        location = quote(location, safe="!#$%&'()*+,/:;=?@[]~")
    return Answer(status, [(b"location", location.encode()), *_NO_STORE])


def empty(status: int = 204) -> Answer:
    """Answer without a body, never stored."""
    return Answer(status, list(_NO_STORE))
