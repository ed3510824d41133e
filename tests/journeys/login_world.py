"""An issuer in this process, with residents, a client and everything real but the network."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from msgspec import structs

from config.runtime.database.connect import OpenDatabase
from config.runtime.entropy import SystemEntropy
from config.runtime.outbound import Fetched, FetchFailed
from config.runtime.web import Web
from config.settings import Channels, Features, Issuer, Settings
from config.wiring.app import build_application
from config.wiring.world import World as Outside
from idp.protocol.client import Client
from idp.stores.clients import Clients
from idp.stores.codes import Codes
from keystore.credentials.door import EveryActivation
from tests.factor_world import AMINA, FAST, GENEROUS, World, world
from tests.journeys.browsers import Browser, Page
from tests.residents import StillClock

ORIGIN = "https://localhost"
CALLBACK = "https://clinic.example/cb"
LOGINS = 60
"""Logins that one network may begin; more than any test needs."""

PUSHES = 20
"""Requests that public clients may push from one network; more than any other test needs."""

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()

CLINIC = Client(
    client_id="clinic",
    issuer=ORIGIN,
    profile="oidc",
    names={"": "Clinic", "fr": "La clinique"},
    purposes={"": "To book your visit"},
    redirect_uris=(CALLBACK, "https://clinic.example/other?x=1"),
    post_logout_redirect_uris=("https://clinic.example/bye",),
    token_endpoint_auth_method="none",
    grant_types=("authorization_code", "refresh_token"),
    scope=frozenset({"openid", "profile", "email", "phone", "address", "offline_access"}),
    authorization_details_types=("payment_initiation", "record_access"),
    sector="clinic.example",
)
SHOP = replace(
    CLINIC,
    client_id="shop",
    authorization_details_types=(),
    names={"": "Shop"},
    redirect_uris=("https://shop.example/cb",),
    post_logout_redirect_uris=(),
    sector="shop.example",
)


@dataclass(slots=True, kw_only=True)
class Site:
    """The running issuer, on ``outside``. ``clock`` is moved by hand."""

    world: World
    outside: Outside
    web: Web
    clock: StillClock
    pages: dict[str, bytes]
    logins_per_address: int = LOGINS

    def browser(self, address: str = "203.0.113.9") -> Browser:
        return Browser(self.web, ORIGIN, address)

    def address(self, client: Client = CLINIC, **asked: str | None) -> str:
        """An authorization request; a parameter that is None is left out."""
        usual = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid profile email",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        fields = {k: v for k, v in {**usual, **asked}.items() if v is not None}
        return f"/authorize?{urlencode(fields)}"

    async def code(self) -> str:
        """The code that was sent last."""
        return (await self.world.letters())[-1].code

    async def named(
        self, browser: Browser, person: str = "4821009637", **asked: str | None
    ) -> Page:
        """Come to the page of the first factor."""
        first = await browser.get(self.address(**asked))
        return await browser.press(first, "/identify", individual_id=person)

    async def proven(self, browser: Browser, **asked: str | None) -> Page:
        """Come to what follows the one-time code."""
        page = await self.named(browser, **asked)
        return await browser.press(page, "/prove", otp=await self.code())

    async def proved(self, browser: Browser, page: Page, person: str = "", pin: str = "") -> Page:
        """Go on from the page that asks who one is (Amina), by the code that was sent and a PIN."""
        name = person or str(AMINA["national_id"])
        page = await browser.press(page, "/identify", individual_id=name)
        page = await browser.press(page, "/prove", otp=await self.code())
        return await browser.press(page, "/prove", pin=pin) if pin else page

    async def logged_in(self, browser: Browser, **asked: str | None) -> Page:
        """Come back to the client."""
        page = await self.proven(browser, **asked)
        if page.url.startswith(ORIGIN):
            page = await browser.press(page, "/consent", ("decision", "accept"))
        return page

    async def authorization(self, page: Page) -> Any:
        """What the code of an answer stands for."""
        found = await Codes(self.world.database).find(sha256(page.answer["code"].encode()).digest())
        assert found is not None
        return found.authorization

    async def tokens(self, page: Page, client: Client = CLINIC) -> dict[str, Any]:
        """What the token endpoint answers to the code."""
        form = {
            "grant_type": "authorization_code",
            "code": page.answer["code"],
            "redirect_uri": client.redirect_uris[0],
            "client_id": client.client_id,
            "code_verifier": VERIFIER,
        }
        response = await self.browser().client.post("/token", data=form)
        return cast(dict[str, Any], response.json())


@asynccontextmanager
async def site(
    database: OpenDatabase,
    directory: Path,
    *others: Issuer,
    fetcher: object | None = None,
    activations: EveryActivation | None = None,
    **features: Any,
) -> AsyncIterator[Site]:
    """Start an issuer on ``database``, and ``others`` in the same deployment."""
    async with world(database, directory) as made:
        clock, pages = StillClock(), dict[str, bytes]()
        issuer = Issuer(
            address=ORIGIN,
            profile="oidc",
            name={"": "National ID"},
            algorithms=("ES256",),
            features=Features(first_party=True, native_sso=True, **features),
        )
        issuers = (issuer, *others)
        await made.keys.administration.ensure({one.address: ["ES256"] for one in issuers})
        settings = Settings(
            issuers=issuers,
            demo=True,
            factors=FAST,
            limits=structs.replace(
                GENEROUS,
                logins_per_address=f"{LOGINS}/3600",
                pushed_requests_per_address=f"{PUSHES}/3600",
                device_guesses_per_browser="3/3600",
                device_guesses_per_address="5/3600",
                device_guesses="8/3600",
                device_guesses_per_resident="2/3600",
                backchannel_per_client="40/3600",
                backchannel_per_resident="4/3600",
                backchannel_per_pair="3/3600",
                user_codes_per_resident="3/3600",
            ),
            channels=Channels(enabled=("inbox",), inbox_url="http://127.0.0.1:1/messages"),
        )
        outside = Outside(
            settings=settings,
            clock=clock,
            entropy=SystemEntropy(),
            database=cast(OpenDatabase, made.database),
            door=made.door,
            residents=made.residents,
            limits=made.limits,
            limits_secret=b"0123456789abcdef",
            fetcher=cast(Any, _Pages(pages)),
            activations=activations,
        )
        clients = Clients(database)
        if fetcher is not None:
            outside = replace(outside, fetcher=cast(Any, fetcher))
        await database.submit(clients.insert(CLINIC), clients.insert(SHOP))
        web = build_application(outside).web
        yield Site(world=made, outside=outside, web=web, clock=clock, pages=pages)


class _Pages:
    """What is on the network: ``pages`` by address, each of the first content type accepted."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self._pages = pages

    async def get(self, url: str, kinds: Collection[str], *_: object) -> Fetched:
        if url not in self._pages:
            raise FetchFailed("network")
        return Fetched(status=200, content_type=min(kinds), body=self._pages[url])

    async def get_json(self, *_: object) -> object:
        raise AssertionError("nothing of the kind is fetched here")
