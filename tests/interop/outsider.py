"""A relying party and residents outside the demonstration, who know the specifications alone.

Tokens are read twice, by joserfc and by jwcrypto; pages are walked as a person without JavaScript
would. Nothing of ``idp`` is imported here.
"""

import asyncio
import hashlib
import json
import re
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

from config.wiring.demo.browser import Browser, Page, forms
from tests.demonstration import Demonstration, code_for, inbox

PIN = "mosip:idp:acr:static-code"
OTP = "mosip:idp:acr:generated-code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*\Z")  # RFC 6749 §4.1.2.1

Client = Mapping[str, Any]


def pkce() -> tuple[str, str]:
    """Return a verifier and its S256 challenge (RFC 7636 §4)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client was told at its redirect URI, and how: query, fragment or form_post."""

    via: str
    fields: dict[str, str]
    seen: tuple[str, ...]

    @property
    def code(self) -> str:
        return self.fields["code"]

    @property
    def error(self) -> str:
        return self.fields["error"]


@dataclass(slots=True)
class Outsider:
    """Knows the demonstration by its address, its metadata and what was registered."""

    demo: Demonstration
    http: httpx2.AsyncClient
    metadata: dict[str, Any]
    stack: AsyncExitStack

    @property
    def issuer(self) -> str:
        return str(self.demo.ready["issuer"])

    def client(self, method: str = "client_secret_basic") -> Client:
        return self.demo.client(method)

    def resident(self, number: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.demo.ready["residents"][number]
        return found

    async def person(self, number: int = 0) -> "Person":
        """Return a resident with a browser of their own."""
        http = await self.stack.enter_async_context(httpx2.AsyncClient(timeout=20))
        return Person(self, self.resident(number), http)

    def credentials(self, client: Client, **claims: Any) -> tuple[dict[str, str], dict[str, str]]:
        """Return the form fields and headers with which ``client`` proves itself."""
        identifier = client["client_id"]
        match client["token_endpoint_auth_method"]:
            case "client_secret_basic":
                pair = f"{quote_plus(identifier)}:{quote_plus(client['client_secret'])}"
                return {}, {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
            case "client_secret_post":
                return {"client_id": identifier, "client_secret": client["client_secret"]}, {}
            case "none":
                return {"client_id": identifier}, {}
        assertion = self.assertion(client, **claims)
        return {"client_assertion_type": ASSERTION, "client_assertion": assertion}, {}

    def assertion(self, client: Client, **claims: Any) -> str:
        """Return a client assertion (RFC 7523 §3); a claim given as None is left out."""
        now = int(time.time())
        identifier = client["client_id"]
        body = {
            "iss": identifier,
            "sub": identifier,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + 60,
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        if client["token_endpoint_auth_method"] == "client_secret_jwt":
            return jwt.encode({"alg": "HS256"}, body, OctKey.import_key(client["client_secret"]))
        key = ECKey.import_key(client["jwks"]["keys"][0])
        return jwt.encode({"alg": "ES256", "kid": key.kid}, body, key)

    async def post(self, endpoint: str, client: Client, **form: str) -> httpx2.Response:
        """Post to an endpoint of the metadata with credentials of ``client``."""
        fields, headers = self.credentials(client)
        url = self.metadata[f"{endpoint}_endpoint"]
        return await self.http.post(url, data=fields | form, headers=headers)

    async def redeem(self, client: Client, code: str, **form: str) -> httpx2.Response:
        """Exchange a code."""
        usual = {"redirect_uri": client["redirect_uris"][0], "code": code}
        sent = {"grant_type": "authorization_code"} | usual | form
        return await self.post("token", client, **sent)

    async def tokens(
        self, client: Client, code: str, nonce: str | None = None, **form: str
    ) -> "Tokens":
        """Exchange a code and judge the answer (OpenID Connect Core 1.0 §3.1.3.3, §3.1.3.7)."""
        return await self.judged(client, await self.redeem(client, code, **form), nonce)

    async def judged(
        self, client: Client, response: httpx2.Response, nonce: str | None = None
    ) -> "Tokens":
        """Judge an answer of the token endpoint field by field."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in response.headers["cache-control"]
        told = response.json()
        known = ("access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token")
        assert set(told) <= set(known)
        assert told["token_type"].lower() == "bearer"
        assert type(told["expires_in"]) is int and 0 < told["expires_in"] <= 3600
        assert re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", told["access_token"])
        claims = await self.id_token(client, told["id_token"])
        assert claims.get("nonce") == nonce
        return Tokens(told, claims)

    async def read(self, token: str, algorithms: tuple[str, ...] = ("ES256",)) -> dict[str, Any]:
        """Verify a token of the issuer with two libraries; return its claims."""
        jwks = (await self.http.get(self.metadata["jwks_uri"])).json()
        verified = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=list(algorithms))
        assert verified.header["kid"] in [key["kid"] for key in jwks["keys"]]
        again = JWT(algs=list(algorithms), jwt=token, key=JWKSet.from_json(json.dumps(jwks)))
        assert json.loads(again.claims) == verified.claims
        return dict(verified.claims)

    async def id_token(self, client: Client, token: str) -> dict[str, Any]:
        """Verify an ID token (OpenID Connect Core 1.0 §2, §3.1.3.7)."""
        claims = await self.read(token, (client["id_token_signed_response_alg"],))
        now = time.time()
        assert claims["iss"] == self.issuer == self.metadata["issuer"]
        assert claims["aud"] in (client["client_id"], [client["client_id"]])
        assert claims.get("azp", client["client_id"]) == client["client_id"]
        assert type(claims["iat"]) is int and now - 30 < claims["iat"] <= now + 5
        assert type(claims["exp"]) is int and now < claims["exp"] <= now + 86_400
        assert 0 < len(claims["sub"]) <= 255 and claims["sub"].isascii()
        if "auth_time" in claims:
            assert type(claims["auth_time"]) is int and claims["auth_time"] <= now + 5
        return claims

    async def userinfo(self, tokens: "Tokens") -> dict[str, Any]:
        """Ask for userinfo and judge it (OpenID Connect Core 1.0 §5.3.2)."""
        response = await self.http.get(
            self.metadata["userinfo_endpoint"], headers=tokens.authorization
        )
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        told: dict[str, Any] = json.loads(response.content.decode("utf-8"))
        assert told["sub"] == tokens.claims["sub"]
        return told


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint told, and the claims of the ID token."""

    told: dict[str, Any]
    claims: dict[str, Any]

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.told['access_token']}"}


@dataclass(slots=True)
class Person:
    """A resident with a browser without JavaScript. ``seen`` are the pages of this login."""

    outside: Outsider
    resident: dict[str, Any]
    http: httpx2.AsyncClient
    seen: list[str] = field(default_factory=list)
    known: int = 0

    def browser(self, client: Client) -> Browser:
        return Browser(self.http, stop_at=tuple(client["redirect_uris"]))

    async def authorize(self, client: Client, **asked: str | None) -> Answer | Page:
        """Send an authorization request by GET; return the first page, or the answer."""
        self.seen = []
        browser = self.browser(client)
        url = f"{self.outside.metadata['authorization_endpoint']}?{self.query(client, **asked)}"
        page = await browser.open(url)
        return self._landed(client, browser, page)

    async def post(self, client: Client, **asked: str | None) -> Answer | Page:
        """Send an authorization request as a form of another site (no cookies: SameSite=Lax)."""
        self.seen = []
        url = self.outside.metadata["authorization_endpoint"]
        kind = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site"}
        body = self.query(client, **asked)
        sent = await self.outside.http.post(url, content=body, headers=kind | {"origin": "null"})
        browser = self.browser(client)
        if sent.status_code == 303:
            page = await browser.open(str(httpx2.URL(url).join(sent.headers["location"])))
        else:
            page = Page(url, sent.status_code, sent.text, forms(sent.text), sent.headers)
        return self._landed(client, browser, page)

    def query(self, client: Client, **asked: str | None) -> str:
        usual: dict[str, str | None] = {
            "client_id": client["client_id"],
            "redirect_uri": client["redirect_uris"][0],
            "response_type": "code",
            "scope": "openid",
            "state": "st-ate",
            "acr_values": PIN,
        }
        return urlencode({k: v for k, v in (usual | asked).items() if v is not None})

    async def log_in(self, client: Client, **asked: str | None) -> Answer:
        """Send a request and answer every page as this resident until the client is told."""
        return await self.walk(client, await self.authorize(client, **asked))

    async def walk(self, client: Client, landed: Answer | Page, decision: str = "accept") -> Answer:
        """Answer every page until the client is told."""
        for _ in range(8):
            if isinstance(landed, Answer):
                return landed
            landed = await self.step(client, landed, decision)
        raise AssertionError(f"no end: {self.seen}")

    async def step(self, client: Client, page: Page, decision: str = "accept") -> Answer | Page:
        """Answer one page."""
        assert page.status in (200, 422), f"{page.status} {page.text}"
        _judge_page(page)
        if page.has("individual_id"):
            return await self._fill(client, page, "individual_id", self.resident["individual_id"])
        if page.has("pin"):
            return await self._fill(client, page, "pin", self.resident["pin"])
        if page.has("otp"):
            return await self._fill(client, page, "otp", await self.code())
        browser = self.browser(client)
        ways = [way for form in page.forms for way in form.buttons if way[0] == "factor"]
        if ways:
            self.seen.append("choose")
            chosen = "otp" if ("factor", "otp") in ways else ways[0][1]
            self.known = await self._letters()
            landed = await browser.submit(page, page.form("factor"), factor=chosen)
            return self._landed(client, browser, landed)
        self.seen.append("consent")
        landed = await browser.submit(page, page.form("decision"), decision=decision)
        return self._landed(client, browser, landed)

    async def code(self) -> str:
        """Return the code that this login sent."""
        return await code_for(self.outside.demo, self.outside.http, self.resident, self.known)

    async def _letters(self) -> int:
        if not (self.resident["phone"] or self.resident["email"]):
            return 0
        return len(await inbox(self.outside.demo, self.outside.http, self.resident))

    async def _fill(self, client: Client, page: Page, name: str, typed: str) -> Answer | Page:
        self.seen.append(name)
        assert f'id="{name}"' in page.text and f'name="{name}"' in page.text
        assert ("decision", "continue") in page.form(name).buttons
        if name in ("individual_id", "pin"):  # what comes next may send a code
            self.known = await self._letters()
        browser = self.browser(client)
        answers = {"decision": "continue", name: typed}
        landed = await browser.submit(page, page.form(name), **answers)
        return self._landed(client, browser, landed)

    def _landed(self, client: Client, browser: Browser, page: Page) -> Answer | Page:
        target = client["redirect_uris"][0]
        if browser.stopped_at is not None:
            parts = urlsplit(browser.stopped_at)
            assert not (parts.query and parts.fragment)
            via = "fragment" if parts.fragment else "query"
            pairs = parse_qsl(parts.fragment or parts.query, True, True)
            return self._judged(Answer(via, _once(pairs), tuple(self.seen)))
        for form in page.forms:
            if form.action == target:  # OAuth 2.0 Form Post Response Mode 1.0 §2
                assert form.method == "post" and "<button" in page.text and page.status == 200
                assert "no-store" in page.headers["cache-control"]
                pairs = [(name, value) for name, values in form.values.items() for value in values]
                return self._judged(Answer("form_post", _once(pairs), tuple(self.seen)))
        return page

    def _judged(self, answer: Answer) -> Answer:
        """RFC 6749 §4.1.2, RFC 9207 §2: what is there, and nothing else."""
        fields = answer.fields
        assert fields["iss"] == self.outside.issuer
        if "error" in fields:
            assert set(fields) <= {"error", "error_description", "error_uri", "state", "iss"}
            assert _DESCRIPTION.match(fields.get("error_description", ""))
        else:
            assert set(fields) <= {"code", "state", "iss"}
            assert len(fields["code"]) >= 22  # 128 bits
        return answer


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    assert len(pairs) == len(dict(pairs)), "a parameter came twice"
    return dict(pairs)


def _judge_page(page: Page) -> None:
    """Every page on the path: no frames, no caching, no inline script, no referrer."""
    policy = page.headers["content-security-policy"]
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text) and " onclick" not in page.text


async def clock_reaches(moment: float) -> None:
    """Wait until this machine's clock has come to ``moment``."""
    async with asyncio.timeout(60):
        while time.time() < moment:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def outsider(demo: Demonstration) -> AsyncIterator[Outsider]:
    """Look at ``demo`` from outside: read its metadata as any client would."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=20))
        url = f"{demo.ready['issuer']}/.well-known/openid-configuration"
        metadata = (await http.get(url)).json()
        yield Outsider(demo, http, metadata, stack)
