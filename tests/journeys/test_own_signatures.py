"""From a link to the evidence, to what the client is told, and to the person's own list."""

import io
import zipfile
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select

from config.runtime.database.unit import Statement, Write
from config.runtime.entropy import SystemEntropy
from config.runtime.outbox import outbox
from config.wiring.esignet_history import signatures_forgotten
from esignet.flows.history import Noting
from esignet.flows.notices import KIND
from esignet.flows.own_list import PER_LIST
from esignet.protocol.history import ApiSignature
from esignet.stores.history import Signatures, signature_history
from idp.protocol.client import Client
from idp.protocol.signing import sector
from idp.stores.clients import Clients
from idp.stores.subjects import Subjects
from keystore.purposes import Role
from keystore.signing.digests import HashAlgorithm
from tests.csc import brought
from tests.factor_world import AMINA
from tests.journeys.browsers import Browser, Page
from tests.journeys.hosted_world import NOTARY, SERVICE, House, hosted
from tests.journeys.login_world import CLINIC, ORIGIN, VERIFIER

LEASE = ("Lease.txt", "text/plain", b"The lease of the house\n")
AUTHORITY = replace(
    CLINIC,
    client_id="citizen-app",
    names={"": "ID authority"},
    redirect_uris=("https://authority.example/cb",),
    post_logout_redirect_uris=(),
    scope=frozenset({"openid", "signing_history"}),
    sector="authority.example",
    resources=(SERVICE,),
)
SHOP = replace(
    AUTHORITY,
    client_id="corner-shop",
    names={"": "Shop"},
    redirect_uris=("https://shop.example/cb",),
    sector="shop.example",
)
COUNT = Statement(select(func.count()).select_from(signature_history))
GONE = Statement(delete(outbox).where(outbox.c.kind == KIND))
QUEUED = Statement(select(outbox).where(outbox.c.kind == KIND))


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    directory = tmp_path_factory.mktemp("own")
    async with hosted(directory, history_clients=("citizen-app",)) as made:
        database = made.here.world.database
        await database.submit(*map(Clients(database).insert, (AUTHORITY, SHOP)))
        yield made


async def token(house: House, client: Client) -> tuple[str, str]:
    """The token of a person who let a client see what they signed, and what they agreed to."""
    browser = house.here.browser()
    asked = {"scope": "openid signing_history", "resource": SERVICE}
    page = await browser.get(house.here.address(client, **asked))
    page = await browser.press(page, "/identify", individual_id=str(AMINA["national_id"]))
    page = await browser.press(page, "/prove", otp=await house.here.code())
    agreed = page.text
    page = await browser.press(page, "/consent", ("decision", "accept"))
    form = {
        "grant_type": "authorization_code",
        "code": page.answer["code"],
        "redirect_uri": client.redirect_uris[0],
        "client_id": client.client_id,
        "code_verifier": VERIFIER,
    }
    answer = await house.here.browser().client.post("/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"]), agreed


async def call(house: House, method: str, path: str, bearer: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {bearer}"}
    return await house.browser().client.request(method, path, headers=headers)


async def listed(house: House, bearer: str) -> list[dict[str, Any]]:
    answer = await call(house, "GET", "/signatures", bearer)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["signatures"]
    return found


async def test_who_signed_finds_it_and_the_client_has_the_evidence(house: House) -> None:
    identifier, link = await house.link(LEASE, webhook="https://notary.example/told")
    browser = house.browser()
    await house.signed(browser, await browser.press(await house.opened(browser, link), "/start"))
    assert await house.state(identifier) == "signed"

    bundle = await house.call("GET", f"/signature-requests/{identifier}/evidence")
    assert bundle.status_code == 200, bundle.text
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as files:
        told = msgspec.json.decode(files.read("evidence.json"))
        receipt = files.read("receipt.fr.html").decode()
    [signature] = told["signatures"]
    assert signature["approval"]["client_id"] == "notary"
    assert signature["approval"]["amr"] and signature["approved"][0]["label"] == "Lease.txt"
    assert told["client_name"]["fr"] == "Le notaire" and "Le notaire" in receipt
    [queued] = await house.here.world.database.rows(QUEUED)
    assert msgspec.json.decode(queued["body"])["event"] == "signed"
    await house.here.world.database.submit(Write(GONE, {}))  # the worker delivered it

    mine, agreed = await token(house, AUTHORITY)
    assert "which documents you signed" in agreed
    [entry] = await listed(house, mine)
    assert (entry["labels"], entry["client_id"]) == (["Lease.txt"], NOTARY.client_id)
    assert (entry["client_name"], entry["client_name#fr"]) == ("Notary", "Le notaire")

    theirs, _ = await token(house, SHOP)
    assert await listed(house, theirs) == []
    assert (await call(house, "DELETE", f"/signatures/{entry['id']}", theirs)).status_code == 403
    assert (await call(house, "GET", "/signatures", house.token)).status_code == 403
    assert (await call(house, "DELETE", f"/signatures/{entry['id']}", mine)).status_code == 204
    assert await listed(house, mine) == []


async def test_with_the_person_everything_that_they_signed_goes(house: House) -> None:
    _, link = await house.link(LEASE)
    browser = house.browser()
    await house.signed(browser, await browser.press(await house.opened(browser, link), "/start"))
    database = house.here.world.database
    found = await house.here.world.residents.find(str(AMINA["national_id"]), house.here.clock.now())
    assert found is not None and await Subjects(database).every(found.id)
    counted = await database.row(COUNT)
    assert counted is not None and counted[0] == 1
    await database.submit(*await signatures_forgotten(database.database, found.id))
    counted = await database.row(COUNT)
    assert counted is not None and counted[0] == 0


async def shown(house: House, browser: Browser, page: Page, other: Browser | None = None) -> Page:
    """Press the button that shows the list, and log in at the issuer where it asks."""
    page = await browser.press(page, "/start")
    there = other or house.here.browser()
    page = await there.get(page.url)
    if page.has("individual_id"):
        page = await there.press(page, "/identify", individual_id=str(AMINA["national_id"]))
        page = await there.press(page, "/prove", otp=await house.here.code())
    if not page.answer.get("code"):
        page = await there.press(page, "/consent", ("decision", "accept"))
    return await browser.get(page.url)


async def many(house: House, subject: str, count: int) -> None:
    """Signatures of the person, made by an application each minute before now."""
    database, now = house.here.world.database, house.here.clock.now()
    notes = Noting(
        store=Signatures(database.database),
        door=house.here.world.keys.door(Role.ESIGNET),
        entropy=SystemEntropy(),
        lifetime=10**6,
    )
    for number in range(1, count + 1):
        digest = HashAlgorithm.SHA256.of(b"%d" % number)
        signature = ApiSignature(
            formats=frozenset(("cades",)),
            levels=frozenset(("B-T",)),
            algorithm=HashAlgorithm.SHA256,
            digests=(digest,),
            certificates=(f"{number:x}",),
        )
        await notes.keep(brought(subject, number), signature, now - 60 * number)


async def test_a_person_reads_their_list_on_a_page_of_its_own(house: House) -> None:
    _, link = await house.link(("Paper.txt", "text/plain", b"a paper"))
    browser = house.browser()
    page = await browser.press(await house.opened(browser, link), "/start")
    await house.signed(browser, page)
    found = await house.here.world.residents.find(str(AMINA["national_id"]), house.here.clock.now())
    assert found is not None
    known = await Subjects(house.here.world.database).every(found.id)
    [subject] = [name for _, among, name in known if among == sector(SERVICE, NOTARY.sector)]
    await many(house, subject, PER_LIST)
    browser, there = house.browser(), house.here.browser()
    intro = await browser.get("/mine")
    page = await shown(house, browser, intro, there)
    assert "Paper.txt" in page.text and "Notary" in page.text and "cades B-B" in page.text
    first, last = (b64encode(HashAlgorithm.SHA256.of(b"%d" % n)).decode() for n in (1, PER_LIST))
    assert first in page.text and last not in page.text, "what is known only by its digest"
    callback = page.url
    page = await shown(house, browser, page, there)
    assert last in page.text and first not in page.text and "Paper" not in page.text
    assert not page.reader.forms, "there is nothing earlier"
    assert f"{SERVICE}/mine" in (await there.get("/me")).reader.links
    assert f"{ORIGIN}/me" in page.reader.links
    again = await browser.get(callback)
    assert last not in again.text and "Begin again here." in again.text, "no code twice"
    assert again.form("/mine/start")


@pytest.mark.attack("A13")
async def test_a_list_is_shown_in_the_browser_that_asked_for_it_alone(house: House) -> None:
    browser, other, there = house.browser(), house.browser(), house.here.browser()
    page = await browser.press(await browser.get("/mine"), "/start")
    page = await there.get(page.url)
    page = await there.press(page, "/identify", individual_id=str(AMINA["national_id"]))
    page = await there.press(page, "/prove", otp=await house.here.code())
    if not page.answer.get("code"):
        page = await there.press(page, "/consent", ("decision", "accept"))
    for address in (page.url, page.url.replace("iss=", "iss=x"), page.url.replace("code=", "c=")):
        await other.get("/mine")
        refused = await other.get(address)
        assert "Begin again here." in refused.text and "Paper" not in refused.text
    forged = await other.request("POST", "/mine/start", [("csrf", "x")])
    assert forged.status == 403 and "/mine" in forged.reader.links
    house.loop.away = "network"
    away = await other.press(await other.get("/mine"), "/start")
    house.loop.away = ""
    assert away.status == 503 and "/mine" in away.reader.links
