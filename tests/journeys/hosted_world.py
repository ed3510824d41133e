"""The issuer, the signing service with its pages, and the key service: all but the network."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx2
from msgspec import structs

from config.runtime.clock import SystemClock
from config.runtime.database.connect import open_database
from config.runtime.database.schema import metadata
from config.runtime.outbound import Fetched, FetchFailed, Outgoing
from config.runtime.web import Web
from config.wiring.esignet import build_esignet
from idp.stores.clients import Clients
from keystore.purposes import Role
from tests import servers
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.login_world import CLINIC, ORIGIN, Site, site
from tests.journeys.signing_site import SERVICE, offered, signing_keys, signing_world
from tests.residents import import_rows
from tests.signing_house import SETTINGS, SigningHouse

MAKING = '<meta http-equiv="refresh" content="3">'
PATIENCE = 60
BACK = "https://notary.example/done?case=7"
SECRET = "s" * 43
NOTARY = replace(
    CLINIC,
    client_id="notary",
    names={"": "Notary", "fr": "Le notaire"},
    redirect_uris=("https://notary.example/cb",),
    post_logout_redirect_uris=(),
    token_endpoint_auth_method="client_secret_basic",
    grant_types=("client_credentials",),
    scope=frozenset({"openid", "signatures"}),
    sector="notary.example",
    resources=(SERVICE,),
    secret_digest=sha256(SECRET.encode()).digest(),
)


@dataclass
class Loop:
    """The signing service's way to the issuer. ``away`` is how it fails."""

    web: Web
    away: str = ""
    posted: int = 0

    async def post(self, outgoing: Outgoing, *_: object) -> Fetched:
        self.posted += 1
        if self.away:
            raise FetchFailed(self.away)
        transport = httpx2.ASGITransport(app=self.web)  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            headers = {**outgoing.headers, "content-type": outgoing.content_type}
            answer = await client.post(outgoing.url, content=outgoing.body, headers=headers)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        return Fetched(status=answer.status_code, content_type=kind, body=answer.content)


@dataclass
class House:
    """Everything. ``token`` is the relying party's own, for signature requests."""

    here: Site
    sign: Web
    keys: SigningHouse
    loop: Loop
    token: str

    def browser(self) -> Browser:
        """A browser in front of the signing service."""
        return Browser(self.sign, SERVICE)

    async def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Call the signing service as the relying party."""
        headers = {"authorization": f"Bearer {self.token}"}
        client = self.browser().client
        return await client.request(method, path, json=body, headers=headers)

    async def link(
        self, *documents: tuple[str, str, bytes], signer: int = 0, **changes: object
    ) -> tuple[str, str]:
        """A request of these documents by name, type and content; its id, and the link to sign."""
        body = {
            "format": "cades",
            "level": "B-B",
            "documents": [
                {"name": name, "media_type": kind, "content": base64.b64encode(octets).decode()}
                for name, kind, octets in documents
            ],
            **changes,
        }
        made = await self.call("POST", "/signature-requests", body)
        assert made.status_code == 201, made.text
        return made.json()["id"], await self.another(made.json()["id"], signer)

    async def another(self, identifier: str, signer: int = 0, **more: object) -> str:
        """A link of a request that was made."""
        asked = {"return_to": BACK, "signer": signer, **more}
        answer = await self.call("POST", f"/signature-requests/{identifier}/links", asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sign_url"])

    async def opened(self, browser: Browser, link: str) -> Page:
        """Open a link for the first time, as a person does, and press the button there."""
        return await browser.press(await browser.get(link), "/open")

    async def signed(self, browser: Browser, page: Page, **who: str) -> Page:
        """Agree at the issuer, and come back to what it comes to."""
        return await self.settled(browser, (await self.agreed(page, **who)).url)

    async def settled(self, browser: Browser, address: str) -> Page:
        """Look again, as the page does by itself while the signature is being made."""
        async with asyncio.timeout(PATIENCE):
            page = await browser.get(address)
            while MAKING in page.html:
                await asyncio.sleep(0.05)
                page = await browser.get(page.url)
        return page

    async def agreed(
        self,
        page: Page,
        answer: tuple[str, str] = ("decision", "accept"),
        person: str = str(AMINA["national_id"]),
    ) -> Page:
        """Log in at the issuer, from where the signing service sent the browser, and answer."""
        browser = self.here.browser()
        return await browser.press(await self.consent(browser, page, person), "/consent", answer)

    async def consent(
        self, browser: Browser, page: Page, person: str = str(AMINA["national_id"])
    ) -> Page:
        """Come to the page of the issuer on which the person agrees."""
        assert page.url.startswith(f"{ORIGIN}/authorize?"), (page.url, page.text)
        page = await browser.get(page.url)
        return await self.here.proved(browser, page, person, pin=AMINA["pin"])

    async def state(self, identifier: str) -> str:
        """What the relying party is told of its request."""
        told = await self.call("GET", f"/signature-requests/{identifier}")
        return str(told.json()["state"])


@asynccontextmanager
async def hosted(directory: Path, *, nonces: bool = False, **esignet: Any) -> AsyncIterator[House]:
    """Start all of it on SQLite; the key service has a database of its own.

    ``nonces``: both servers demand them in proofs (DPoP).
    """
    web = f"sqlite:///{directory / 'web.db'}"
    servers.create_tables(web, metadata)
    database = await open_database(web)
    async with (
        signing_keys(directory) as keys,
        site(database, directory, **offered(keys, dpop_nonce=nonces)) as here,
    ):
        here.clock.time = int(SystemClock().now())
        token = await _token(here)
        await _named(here, directory)
        loop = Loop(here.web)
        changed = structs.replace(SETTINGS, **esignet)
        outside = signing_world(here, directory, changed, fetcher=cast(Any, loop))
        yield House(here, build_esignet(outside).web, keys, loop, token)
    await database.close()


async def _named(here: Site, directory: Path) -> None:
    """Have the ID store know Amina's name in its parts, as certificates tell it."""
    row = {**AMINA, "given_name": "Amina", "family_name": "Odhiambo"}
    rows = directory / "rows"
    rows.mkdir()
    door = here.world.keys.door(Role.IDP)
    await import_rows(here.world.database, door, rows, [json.dumps(row).encode()])


async def _token(here: Site) -> str:
    """Register the relying party, and get the token of its own with which it makes requests."""
    await here.world.database.submit(Clients(here.world.database).insert(NOTARY))
    answer = await here.browser().client.post(
        "/token",
        data={"grant_type": "client_credentials", "scope": "signatures", "resource": SERVICE},
        auth=(NOTARY.client_id, SECRET),
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
