"""A provider's machine endpoints in process, on real parts: keys, ID store, database, web."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

import idp.residents.tables  # noqa: F401  (declares the tables of the ID store)
from config.runtime.crashpoints import CrashHere, never
from config.runtime.database.connect import OpenDatabase
from config.runtime.database.unit import Database
from config.runtime.entropy import SystemEntropy
from config.runtime.limits import MemoryLimits
from config.runtime.outbound import Fetcher, FetchFailed
from config.runtime.web.budget import Budget
from config.runtime.web.router import House, Web
from config.settings import Issuer, Lifetimes, Settings
from config.settings import Web as WebSettings
from config.wiring.certificates import origins, trusted_proxies
from config.wiring.details import detail_types
from config.wiring.machine import machine
from config.wiring.stores import Stores
from config.wiring.world import World
from idp.client_auth.method import ASSERTION_TYPE
from idp.flows.registration import Registered, Registrar
from idp.protocol.claims import STANDARD
from idp.protocol.claims_request import NOTHING
from idp.protocol.client import Client
from idp.protocol.grant import Authorization, IssuedCode, digest_of
from idp.residents.port import Residents
from idp.stores.clients import Clients
from idp.stores.codes import Codes
from idp.stores.grants import Grants
from keystore.administration import KeyAdministration
from keystore.backends.registry import Backends
from keystore.batches import Batches
from keystore.door import Door
from keystore.keyring import KeyRing
from keystore.purposes import Role
from keystore.stores.memory import MemoryKeyRecords
from tests.keyrings import POLICIES, HandClock, software_backend
from tests.residents import id_store, import_rows

ISSUER = Issuer(address="https://id.example", profile="oidc", algorithms=("ES256", "EdDSA"))
LIFETIMES = Lifetimes()
WEB = WebSettings()
CALLBACK = "https://rp.example/cb"
VERIFIER = "correct-horse-battery-staple-correct-horse-battery"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
PERSON = (
    b'{"national_id": "8747870537", "name": "Amina Odhiambo", "given_name": "Amina",'
    b' "family_name": "Odhiambo", "birthdate": "1991-05-14", "phone_number": "+447700900101",'
    b' "phone_number_verified": true, "email": "amina@example.org", "email_verified": true,'
    b' "name#ar": "\xd8\xa3\xd9\x85\xd9\x8a\xd9\x86\xd8\xa9", "verified_at": "2024-03-18T09:30:00Z"'
    b', "authority": "National Registration Bureau"}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One issuer. ``http`` speaks to it; the rest is what stands behind it."""

    issuer: Issuer
    clock: HandClock
    database: Database
    door: Door
    keys: KeyAdministration
    residents: Residents
    resident_id: str
    codes: Codes
    grants: Grants
    registrar: Registrar
    web: Web
    http: httpx2.AsyncClient
    clients: Clients
    lifetimes: Lifetimes
    pages: dict[str, object]

    async def register(self, method: str = "client_secret_basic", **changes: Any) -> Registered:
        """Register a client with all scopes; private_key_jwt comes with the key KEY."""
        wish = Client(
            client_id="",
            issuer=self.issuer.address,
            names={"": "A relying party"},
            redirect_uris=(CALLBACK,),
            token_endpoint_auth_method=method,
            sector="",
            profile="oidc",
            grant_types=("authorization_code", "refresh_token"),
            scope=frozenset(("openid", "profile", "email", "phone", "address", "offline_access")),
            jwks=JWKS if method == "private_key_jwt" else None,
        )
        return await self.registrar.add(replace(wish, **changes), "", self.clock.now())

    async def code(self, client: Client, **changes: Any) -> str:
        """Give ``client`` a code as if the person had logged in and agreed."""
        code = SystemEntropy().token()
        outer = {
            name: changes.pop(name)
            for name in ("redirect_uri", "code_challenge", "expires_at")
            if name in changes
        }
        authorization = Authorization(
            grant_id=SystemEntropy().token(16),
            issuer=self.issuer.address,
            client_id=client.client_id,
            resident_id=self.resident_id,
            subject="a-pairwise-subject",
            scope=("openid", "profile", "email"),
            claims=NOTHING,
            granted_claims=STANDARD,
            claims_locales=(),
            session_id="session",
            auth_time=self.clock.now() - 5,
            acr="mosip:idp:acr:generated-code",
            amr=("otp",),
            nonce="n-0S6_WzA2Mj",
            auth_time_asked=False,
        )
        issued = IssuedCode(
            digest=digest_of(code),
            authorization=replace(authorization, **changes),
            redirect_uri=CALLBACK,
            code_challenge=CHALLENGE,
            expires_at=self.clock.now() + 60,
        )
        await self.database.submit(self.codes.insert(replace(issued, **outer)))
        return code

    def credentials(self, registered: Registered, **claims: Any) -> dict[str, Any]:
        """Return the form fields and the ``auth`` with which the client proves itself."""
        client, secret = registered.client, registered.secret or ""
        match client.token_endpoint_auth_method:
            case "client_secret_basic":
                return {"auth": (client.client_id, secret), "form": {}}
            case "client_secret_post":
                return {"form": {"client_id": client.client_id, "client_secret": secret}}
            case "none" | "tls_client_auth" | "self_signed_tls_client_auth":
                return {"form": {"client_id": client.client_id}}
        return {
            "form": {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self.assertion(registered, **claims),
            }
        }

    def assertion(self, registered: Registered, **claims: Any) -> str:
        """Return an assertion of the client; a claim given as None is left out."""
        now = self.clock.now()
        body = {
            "iss": registered.client.client_id,
            "sub": registered.client.client_id,
            "aud": self.issuer.address,
            "jti": SystemEntropy().token(16),
            "iat": now,
            "exp": now + 60,
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        if registered.client.token_endpoint_auth_method == "client_secret_jwt":
            return jwt.encode({"alg": "HS256"}, body, OctKey.import_key(registered.secret or ""))
        return jwt.encode({"alg": "ES256", "kid": "rp-1"}, body, KEY)

    async def post(self, path: str, registered: Registered, **form: str) -> httpx2.Response:
        """Post a form with fresh credentials of the client."""
        credentials = self.credentials(registered)
        body = credentials.pop("form") | form
        return await self.http.post(path, data=body, **credentials)

    async def redeem(self, registered: Registered, code: str, /, **form: str) -> httpx2.Response:
        """Exchange ``code`` as the client should."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        } | form
        return await self.post(
            "/token", registered, **{name: value for name, value in fields.items() if value}
        )

    async def tokens(self, registered: Registered, **changes: Any) -> dict[str, Any]:
        """Return the tokens of a fresh grant."""
        answer = await self.redeem(registered, await self.code(registered.client, **changes))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def jwks(self) -> dict[str, Any]:
        """Return the issuer's key set."""
        keys: dict[str, Any] = (await self.http.get("/jwks")).json()
        return keys


KEY = ECKey.generate_key("P-256", {"kid": "rp-1"}, private=True)
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What ``provider`` is built on."""

    database: Database
    directory: Path
    issuer: Issuer = ISSUER
    clock: HandClock
    lifetimes: Lifetimes = LIFETIMES
    web: WebSettings = WEB
    crash_here: CrashHere = never


async def provider(ground: Ground) -> Provider:
    """Return a provider with one resident and no client."""
    ring, administration = await _keys(ground)
    door = ring.door(Role.IDP)
    residents = id_store(ground.database, door)
    await import_rows(ground.database, ring.door(Role.OPERATOR), _room(ground.directory), [PERSON])
    person = await residents.find("8747870537", ground.clock.now())
    assert person is not None
    pages: dict[str, object] = {}

    world = World(
        settings=Settings(issuers=(ground.issuer,), web=ground.web, lifetimes=ground.lifetimes),
        clock=ground.clock,
        entropy=SystemEntropy(),
        database=cast(OpenDatabase, ground.database),
        door=door,
        residents=residents,
        limits=MemoryLimits(),
        limits_secret=b"0123456789abcdef",
        fetcher=cast(Fetcher, _Pages(pages)),
    )
    stores = Stores.of(world)
    routes = machine(world, ground.issuer, stores, ground.crash_here).routes
    web = Web(
        routes,
        House(
            origins=["https://other.example", *origins([ISSUER, ground.issuer])],
            proxies=trusted_proxies(ground.web),
            clock=ground.clock,
            entropy=SystemEntropy(),
            budgets={"tokens": Budget("tokens", 1000, 1000)},
        ),
    )
    return Provider(
        issuer=ground.issuer,
        clock=ground.clock,
        database=ground.database,
        door=door,
        keys=administration,
        residents=residents,
        resident_id=person.id,
        codes=stores.codes,
        grants=stores.grants,
        clients=stores.clients,
        registrar=Registrar(
            issuers=(ground.issuer,),
            clients=stores.clients,
            grants=stores.grants,
            records=stores.records,
            database=ground.database,
            door=door,
            entropy=SystemEntropy(),
            fetch=world.fetcher.get_json,
            detail_types=detail_types,
        ),
        web=web,
        http=httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=web), base_url="https://id.example"
        ),
        lifetimes=ground.lifetimes,
        pages=pages,
    )


class _Pages:
    """What is on the network: ``pages``, which counts how often each is fetched."""

    def __init__(self, pages: dict[str, object]) -> None:
        self._pages = pages

    async def get_json(self, url: str, *_: object) -> object:
        if url not in self._pages:
            raise FetchFailed("network")
        self._pages["fetched " + url] = int(str(self._pages.get("fetched " + url, 0))) + 1
        return self._pages[url]


async def _keys(ground: Ground) -> tuple[KeyRing, KeyAdministration]:
    backends = Backends.only(software_backend(_room(ground.directory)))
    records = MemoryKeyRecords()
    ring = KeyRing(records, Batches(backends), ground.clock)
    administration = KeyAdministration(ring, records, backends, POLICIES, ground.clock)
    await administration.ensure({ground.issuer.address: ground.issuer.signing_algs})
    return ring, administration


def _room(directory: Path) -> Path:
    room = directory / "provider"
    room.mkdir(exist_ok=True)
    return room
