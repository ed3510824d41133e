"""A conformance tester in front of the demonstration's profile for it: what a suite would send.

It knows the ready file and the specifications alone. Every request is right unless a test changes
it; answers are judged as the suite judges them.
"""

import secrets
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from config.wiring.demo.browser import Page
from tests.demonstration import Demonstration
from tests.dpop import ath
from tests.interop import evil
from tests.interop.outsider import ASSERTION, PIN, Answer, Client, Outsider, Person, pkce

TESTER = "https://localhost:9443"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)


def signed(header: dict[str, Any], claims: Mapping[str, Any], key: Any) -> str:
    """Return a JWT of whatever algorithm; a claim that is None is left out."""
    body = {name: value for name, value in claims.items() if value is not None}
    if header["alg"] == "none":
        return evil.compact(header, body, lambda _: b"")
    return jwt.encode(header, body, key, algorithms=[header["alg"]])


@dataclass(slots=True)
class Party:
    """One of the two clients of an alias, with its keys."""

    alias: str
    issuer: str
    client: dict[str, Any]
    certificate: Path
    dpop: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))

    @property
    def id(self) -> str:
        return str(self.client["client_id"])

    @property
    def key(self) -> ECKey:
        return ECKey.import_key(self.client["jwks"]["keys"][0])

    @property
    def redirect_uri(self) -> str:
        return f"{TESTER}/test/a/{self.alias}/callback"

    def signed(self, claims: Mapping[str, Any], alg: str = "ES256", key: Any = None) -> str:
        """Return a JWT of the client."""
        mine = RSA if alg == "RS256" else self.key
        header = {"alg": alg, "kid": self.key.kid}
        return signed(header, claims, key or mine)

    def assertion(self, alg: str = "ES256", **changes: Any) -> dict[str, str]:
        """Return the form fields of an assertion; a claim that is None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        token = self.signed(claims | changes, alg)
        return {"client_assertion_type": ASSERTION, "client_assertion": token}

    def object(self, asked: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Return the claims of a request object that asks ``asked``."""
        now = int(time.time())
        claims = {"iss": self.id, "aud": self.issuer, "client_id": self.id}
        return {**claims, "nbf": now, "iat": now, "exp": now + 300, **asked, **changes}

    def proof(self, method: str, address: str, token: str | None = None, **changes: Any) -> str:
        """Return a DPoP proof; a claim that is None is left out."""
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": address,
            "iat": int(time.time()),
            "ath": None if token is None else ath(token),
        }
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.dpop.as_dict(private=False)}
        return signed(header, claims | changes, self.dpop)


@dataclass(slots=True)
class Fapi(Outsider):
    """One alias in front of a tester: two clients, a person and a resource."""

    parties: tuple[Party, Party]
    resource: str
    cookies: dict[str, str]

    @property
    def issuer(self) -> str:
        return str(self.metadata["issuer"])

    @property
    def signs(self) -> bool:
        """Return whether requests and answers are signed (FAPI 2.0 Message Signing)."""
        return self.parties[0].alias.endswith("-ms")

    @property
    def one(self) -> Party:
        return self.parties[0]

    def trusting(self, certificate: Path | None = None) -> httpx2.AsyncClient:
        trust = ssl.create_default_context(cafile=self.demo.ready["certificate"])
        if certificate is not None:
            trust.load_cert_chain(certificate)
        return httpx2.AsyncClient(verify=trust, trust_env=False, timeout=30)

    async def someone(self, number: int = 0) -> "FapiPerson":
        """Return a resident with a browser in which nobody is signed in."""
        http = await self.stack.enter_async_context(self.trusting())
        return FapiPerson(self, self.resident(number), http)

    async def known(self) -> "FapiPerson":
        """Return the first resident with a browser in which they are signed in, if it is."""
        person = await self.someone()
        for name, value in self.cookies.items():
            person.http.cookies.set(name, value)
        return person

    def asked(self, **changes: Any) -> tuple[dict[str, Any], str]:
        """Return a good request, and its code_verifier; None leaves a parameter out."""
        verifier, challenge = pkce()
        usual = {
            "response_type": "code",
            "redirect_uri": self.one.redirect_uri,
            "scope": "openid",
            "state": "st-ate",
            "nonce": "n-0S6_WzA2Mj",
            "acr_values": PIN,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "response_mode": "jwt" if self.signs else None,
        }
        whole = usual | changes
        return {name: value for name, value in whole.items() if value is not None}, verifier

    async def send(
        self, form: Mapping[str, Any], party: Party | None = None, proof: str | None = None
    ) -> httpx2.Response:
        """Push a form with an assertion of the client, unless the form has one."""
        who = party or self.one
        body = {**who.assertion(), **form}
        headers = {} if proof is None else {"DPoP": proof}
        url = self.metadata["pushed_authorization_request_endpoint"]
        return await self.http.post(
            url, data={k: v for k, v in body.items() if v is not None}, headers=headers
        )

    async def push(self, asked: Mapping[str, Any], proof: str | None = None) -> httpx2.Response:
        """Push a request as the profile wants it: plain, or in an object."""
        if not self.signs:
            return await self.send({"client_id": self.one.id, **asked}, proof=proof)
        return await self.send({"request": self.one.signed(self.one.object(asked))}, proof=proof)

    def opening(self, request_uri: str, client_id: str | None = None, **more: str) -> str:
        query = {"client_id": client_id or self.one.id, "request_uri": request_uri, **more}
        return f"{self.metadata['authorization_endpoint']}?{urlencode(query)}"

    async def open(self, person: "FapiPerson", pushed: httpx2.Response, **more: str) -> Any:
        """Open what was pushed; return the first page, or the answer."""
        assert pushed.status_code == 201, pushed.text
        return await person.open(self.opening(pushed.json()["request_uri"], **more))

    async def answered(
        self, asked: Mapping[str, Any], person: "FapiPerson | None" = None, proof: str | None = None
    ) -> Answer:
        """Push, open, log in and agree: return the answer to the client."""
        who = person or await self.known()
        answer = await who.walk(who.client, await self.open(who, await self.push(asked, proof)))
        if person is None:
            self.cookies.update(dict(who.http.cookies.items()))
        assert answer.fields.get("state") == asked.get("state")
        return answer

    async def collect(
        self,
        code: str,
        verifier: str | None,
        *,
        party: Party | None = None,
        proof: str | None = "",
        **form: str | None,
    ) -> httpx2.Response:
        """Exchange a code; ``proof`` None sends none."""
        who = party or self.one
        url = self.metadata["token_endpoint"]
        usual: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.one.redirect_uri,
            "code_verifier": verifier,
            **who.assertion(),
        }
        headers = {} if proof is None else {"DPoP": proof or who.proof("POST", url)}
        body = {k: v for k, v in (usual | form).items() if v is not None}
        return await self.http.post(url, data=body, headers=headers)

    async def told(self, response: httpx2.Response) -> dict[str, Any]:
        """Judge an answer of the token endpoint with a token that is bound to a key."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in response.headers["cache-control"]
        told: dict[str, Any] = response.json()
        assert told["token_type"].lower() == "dpop" and type(told["expires_in"]) is int
        assert len(told["access_token"]) >= 22  # 128 bits
        return told

    async def flow(self, **changes: Any) -> tuple[Answer, dict[str, Any]]:
        """Do everything from the request to the resource; return both answers."""
        asked, verifier = self.asked(**changes)
        answer = await self.answered(asked)
        told = await self.told(await self.collect(answer.code, verifier))
        claims = await self.read(told["id_token"])
        assert claims["iss"] == self.issuer and claims["aud"] in (self.one.id, [self.one.id])
        assert claims.get("nonce") == asked.get("nonce")
        assert (await self.use(told["access_token"])).status_code == 200
        return answer, told | {"claims": claims}

    async def use(
        self,
        token: str,
        proof: str | None = "",
        *,
        scheme: str = "DPoP",
        method: str = "GET",
        header: str = "DPoP",
    ) -> httpx2.Response:
        """Ask for the resource; ``proof`` None sends none."""
        headers = {"authorization": f"{scheme} {token}"}
        if proof is not None:
            headers[header] = proof or self.one.proof(method, self.resource, token)
        return await self.http.request(method, self.resource, headers=headers)


@dataclass(slots=True)
class FapiPerson(Person):
    """A resident in front of one alias; signed answers are opened (JARM)."""

    @property
    def client(self) -> Client:
        assert isinstance(self.outside, Fapi)
        return {"redirect_uris": [self.outside.one.redirect_uri]}

    async def open(self, url: str) -> Any:
        """Open an address; return the page, or the answer."""
        self.seen = []
        browser = self.browser(self.client)
        return await self.settled(self._landed(self.client, browser, await browser.open(url)))

    async def walk(self, client: Client, landed: Any, decision: str = "accept") -> Answer:
        return await self.settled(await Person.walk(self, client, landed, decision))

    async def settled(self, landed: Any) -> Any:
        """Return what a signed answer says (JARM §2.3, §2.4), and everything else as it is."""
        if not isinstance(landed, Answer) or "response" not in landed.fields:
            return landed
        assert set(landed.fields) == {"response"}, "nothing stands beside the signed answer"
        assert isinstance(self.outside, Fapi)
        claims = await self.outside.read(landed.fields["response"])
        assert claims.pop("aud") == self.outside.one.id
        assert 0 < claims.pop("exp") - time.time() <= 600
        claims.pop("iat", None)
        assert claims["iss"] == self.outside.issuer
        return Answer(landed.via, claims, landed.seen)

    def _judged(self, answer: Answer) -> Answer:
        if "response" in answer.fields:
            return answer
        assert isinstance(self.outside, Fapi) and not self.outside.signs
        return Person._judged(self, answer)

    async def say(self, page: Page, decision: str) -> Any:
        """Press a button of a page."""
        browser = self.browser(self.client)
        form = next(f for f in page.forms if ("decision", decision) in f.buttons)
        landed = await browser.submit(page, form, decision=decision)
        return await self.settled(self._landed(self.client, browser, landed))


def parties_of(demo: Demonstration, alias: str) -> tuple[Party, Party]:
    """Return both clients of ``alias``."""
    family = demo.ready["conformance"][alias]
    made = []
    for suffix in ("", "2"):
        mtls = family[f"mtls{suffix}"]
        file = demo.directory / f"{alias}{suffix}.pem"
        file.write_text(mtls["cert"] + mtls["key"])
        made.append(Party(alias, family["issuer"], family[f"client{suffix}"], file))
    return made[0], made[1]


@asynccontextmanager
async def in_front_of(
    demo: Demonstration, alias: str, cookies: dict[str, str]
) -> AsyncIterator[Fapi]:
    """Stand in front of ``alias``; ``cookies`` are of a browser that is kept between tests."""
    family = demo.ready["conformance"][alias]
    trust = ssl.create_default_context(cafile=demo.ready["certificate"])
    async with AsyncExitStack() as stack:
        http = httpx2.AsyncClient(verify=trust, trust_env=False, timeout=30)
        await stack.enter_async_context(http)
        metadata = (await http.get(family["discoveryUrl"])).json()
        parties = parties_of(demo, alias)
        yield Fapi(demo, http, metadata, stack, parties, family["resourceUrl"], cookies)
