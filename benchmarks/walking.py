"""A whole login, walked over one connection: forms are read with regular expressions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.clients import Client, base64url
from benchmarks.processes import BenchFailed
from benchmarks.targets import CALLBACK, CODE, Target
from benchmarks.wire import Connection, Response, get, post
from benchmarks.works import machine_request
from config.runtime.entropy import SystemEntropy

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S)
_FIELD = re.compile(r"<(input|button)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_MOST_STEPS = 20


@dataclass(slots=True)
class Walk:
    """Logs in again and again, each time with a fresh browser, as one resident after another.

    ``requests`` counts what was asked of the server.
    """

    target: Target
    client: Client
    scope: str = "openid profile email"
    names: Iterator[str] = field(init=False)
    requests: int = 0

    def __post_init__(self) -> None:
        self.names = cycle(self.target.names)

    async def once(self, connection: Connection) -> None:
        """Log in, redeem the code, and read the claims."""
        await self.claims(connection, await self.tokens(connection))

    async def tokens(self, connection: Connection) -> dict[str, Any]:
        """Log in and return what the token endpoint answered."""
        verifier = SystemEntropy().token()
        code = await self._code(connection, verifier)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        target = self.target
        request = machine_request(target, target.paths.token, self.client, fields)
        answer = await self._ask(connection, request)
        if answer.status != 200:
            raise BenchFailed(f"{self.target.name}: token {answer.status} {answer.body[:300]!r}")
        tokens: dict[str, Any] = json.loads(answer.body)
        return tokens

    async def claims(self, connection: Connection, tokens: dict[str, Any]) -> None:
        """Read the claims of the person who logged in."""
        target = self.target
        path = target.paths.userinfo
        bearer = self.client.bearer(tokens["access_token"], f"{target.issuer}{path}")
        answer = await self._ask(connection, get(target.host, path, *bearer))
        if answer.status != 200 or b'"email"' not in answer.body:
            raise BenchFailed(f"{target.name}: userinfo {answer.status} {answer.body[:300]!r}")

    async def _code(self, connection: Connection, verifier: str) -> str:
        browser = _Browser(self.target.host)
        name = next(self.names)
        address = f"{self.target.paths.authorize}?{urlencode(self.asked(verifier))}"
        request = get(self.target.host, address)
        for _ in range(_MOST_STEPS):
            answer = await self._ask(connection, request)
            browser.keep(answer)
            if answer.location is not None:
                if answer.location.startswith(CALLBACK):
                    return _parameter(answer.location, "code")
                request = browser.get(answer.location)
            elif answer.status == 200:
                request = browser.filled(answer, {"individual_id": name, "otp": CODE})
            else:
                raise BenchFailed(f"{self.target.name}: {answer.status} {answer.body[:500]!r}")
        raise BenchFailed(f"{self.target.name}: the login does not end")

    def asked(self, verifier: str) -> dict[str, str]:
        """Return the parameters of the authorization request."""
        return {
            "client_id": self.client.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": self.scope,
            "state": "s",
            "nonce": verifier,
            "prompt": "consent",
            "code_challenge": base64url(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }

    async def _ask(self, connection: Connection, request: bytes) -> Response:
        self.requests += 1
        return await connection.ask(request)


@dataclass(slots=True)
class _Browser:
    """Cookies of one login. Their paths are not looked at: no other login shares them."""

    host: str
    cookies: dict[str, str] = field(default_factory=dict)

    def keep(self, answer: Response) -> None:
        for name, value, stays in answer.cookies():
            if stays:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)

    def get(self, location: str) -> bytes:
        return get(self.host, _path(location), *self._headers())

    def filled(self, page: Response, answers: dict[str, str]) -> bytes:
        """Return the first form of the page, filled in and sent with its first button."""
        found = _FORM.search(page.body.decode())
        if found is None:
            raise BenchFailed(f"no form in {page.body[:500]!r}")
        action = dict(_ATTRIBUTE.findall(found.group(1))).get("action", "")
        body = urlencode(list(_sent(found.group(2), answers))).encode()
        origin = f"Origin: http://{self.host}"
        return post(self.host, _path(unescape(action)), body, origin, *self._headers())

    def _headers(self) -> tuple[str, ...]:
        if not self.cookies:
            return ()
        return ("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()),)


def _sent(form: str, answers: dict[str, str]) -> Iterator[tuple[str, str]]:
    pressed = False
    for tag, text in _FIELD.findall(form):
        given = dict(_ATTRIBUTE.findall(text))
        name = given.get("name")
        if name is None or (tag == "button" and pressed):
            continue
        if given.get("type") in ("checkbox", "radio") and not re.search(r"\bchecked\b", text):
            continue
        pressed = pressed or tag == "button"
        yield name, answers.get(name, unescape(given.get("value", "")))


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _parameter(location: str, name: str) -> str:
    found = parse_qs(urlsplit(location).query)
    if name not in found:
        raise BenchFailed(f"the login was refused: {location}")
    return found[name][0]
