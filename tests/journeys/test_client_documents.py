"""Clients that nobody registered: known by the document at their client_id, named by its host."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from config.runtime.database.connect import OpenDatabase
from config.runtime.outbound import FetchFailed
from config.settings import Features, Issuer
from idp.flows.client_documents import (
    AGAIN,
    FRESH,
    LARGEST_DOCUMENT,
    MOST_AT_ONCE,
    STALE,
    ClientDocuments,
)
from idp.protocol.client import Client
from idp.protocol.errors import TemporarilyUnavailable
from idp.protocol.registration import Possible
from tests.journeys.login_world import CLINIC, Site, site
from tests.keyrings import HandClock
from tests.oauth import CALLBACK, CHALLENGE, VERIFIER, Ground, Provider, provider

ADDRESS = "https://app.example/client.json"
DOCUMENT: dict[str, Any] = {
    "client_id": ADDRESS,
    "client_name": "National Tax Office",
    "redirect_uris": ["https://app.example/cb", "http://127.0.0.1:8123/cb"],
    "scope": "openid profile email",
}
ISSUER = Issuer(address="https://id.example", profile="oidc", algorithms=("ES256",))


@dataclass
class Internet:
    """What is at addresses, who asked for it, and how much was asked for at most."""

    pages: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def get_json(self, url: str, limit: int, seconds: float) -> object:
        self.asked.append((url, limit))
        if url not in self.pages:
            raise FetchFailed("network")
        return self.pages[url]


@dataclass
class Ours:
    """Documents, and the clock and the network that they stand on."""

    internet: Internet
    clock: HandClock
    documents: ClientDocuments

    async def find(self) -> Client | None:
        return await self.documents.find(ADDRESS)


def ours(*hosts: str) -> Ours:
    internet, clock = Internet({ADDRESS: DOCUMENT}), HandClock()
    possible = Possible(ISSUER, frozenset(("ES256",)), frozenset(), frozenset())
    return Ours(internet, clock, ClientDocuments(possible, internet.get_json, clock, hosts))


async def test_a_document_is_kept_for_a_while_and_fetched_again() -> None:
    here = ours()
    assert (await here.find()) == (await here.find())
    assert here.internet.asked == [(ADDRESS, LARGEST_DOCUMENT)]
    here.clock.at += int(FRESH) + 1
    here.internet.pages[ADDRESS] = DOCUMENT | {"redirect_uris": ["https://app.example/new"]}
    found = await here.find()
    assert found is not None and found.redirect_uris == ("https://app.example/new",)


async def test_while_its_host_is_away_a_document_is_used_a_little_longer() -> None:
    here = ours()
    await here.find()
    del here.internet.pages[ADDRESS]
    here.clock.at += int(FRESH) + 1
    assert await here.find() is not None
    here.clock.at += int(STALE)
    assert await here.find() is None


async def test_a_document_that_became_unsound_is_no_client_any_more() -> None:
    here = ours()
    await here.find()
    here.clock.at += int(FRESH) + 1
    here.internet.pages[ADDRESS] = DOCUMENT | {"client_secret": "x"}
    assert await here.find() is None


@pytest.mark.attack("A24")
async def test_what_is_not_there_is_not_asked_for_again_and_again() -> None:
    here = ours()
    here.internet.pages.clear()
    for _ in range(5):
        assert await here.find() is None
    assert len(here.internet.asked) == 1
    here.internet.pages[ADDRESS] = DOCUMENT
    here.clock.at += int(AGAIN) + 1
    assert await here.find() is not None


@pytest.mark.attack("A24")
async def test_nobody_makes_us_fetch_what_is_no_document() -> None:
    here = ours()
    for address in ("clinic", "https://127.0.0.1/a", "http://app.example/a", ADDRESS + "?a"):
        assert await here.documents.find(address) is None
    assert here.internet.asked == []


async def test_only_the_hosts_that_the_operator_named_count() -> None:
    assert await ours("app.example").find() is not None
    here = ours("other.example", "example")
    assert await here.find() is None and here.internet.asked == []


@pytest.mark.attack("A47")
async def test_ever_new_addresses_do_not_take_all_places() -> None:
    here, gate = ours(), asyncio.Event()

    async def slow(url: str, limit: int, seconds: float) -> object:
        await gate.wait()
        raise FetchFailed("timeout")

    documents = ClientDocuments(
        Possible(ISSUER, frozenset(), frozenset(), frozenset()), slow, here.clock, ()
    )
    waiting = [
        asyncio.create_task(documents.find(f"https://a.example/{n}")) for n in range(MOST_AT_ONCE)
    ]
    async with asyncio.timeout(60):
        while documents._running < MOST_AT_ONCE:
            await asyncio.sleep(0)
    with pytest.raises(TemporarilyUnavailable):
        await documents.find("https://a.example/one-more")
    gate.set()
    assert await asyncio.gather(*waiting) == [None] * MOST_AT_ONCE


async def op_of(database: OpenDatabase, directory: Path, **features: Any) -> Provider:
    issuer = structs.replace(ISSUER, features=Features(**features))
    ground = Ground(database=database, directory=directory, clock=HandClock(), issuer=issuer)
    op = await provider(ground)
    op.pages[ADDRESS] = DOCUMENT | {"redirect_uris": ["https://app.example/cb"]}
    return op


async def redeemed(op: Provider) -> Any:
    client = replace(CLINIC, client_id=ADDRESS)
    form = {
        "grant_type": "authorization_code",
        "code": await op.code(client, redirect_uri=CALLBACK, code_challenge=CHALLENGE),
        "redirect_uri": CALLBACK,
        "client_id": ADDRESS,
        "code_verifier": VERIFIER,
    }
    return await op.http.post("/token", data=form)


async def test_they_are_off_unless_switched_on(database: OpenDatabase, tmp_path: Path) -> None:
    op = await op_of(database, tmp_path)
    document = (await op.http.get("/.well-known/openid-configuration")).json()
    assert "client_id_metadata_document_supported" not in document
    assert (await redeemed(op)).json()["error"] == "invalid_client"
    assert f"fetched {ADDRESS}" not in op.pages
    await op.http.aclose()


async def test_switched_on_they_get_tokens(database: OpenDatabase, tmp_path: Path) -> None:
    op = await op_of(database, tmp_path, client_id_documents=True)
    document = (await op.http.get("/.well-known/openid-configuration")).json()
    assert document["client_id_metadata_document_supported"] is True
    answer = await redeemed(op)
    assert answer.status_code == 200, answer.text
    assert f"fetched {ADDRESS}" in op.pages
    await op.http.aclose()


async def test_a_registered_client_comes_before_a_document(
    database: OpenDatabase, tmp_path: Path
) -> None:
    op = await op_of(database, tmp_path, client_id_documents=True)
    await op.register("client_secret_basic", client_id=ADDRESS)
    assert (await redeemed(op)).json()["error"] == "invalid_client"
    assert f"fetched {ADDRESS}" not in op.pages
    await op.http.aclose()


@pytest.fixture
async def open_site(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[tuple[Site, Internet]]:
    """An issuer for residents that takes documents."""
    internet = Internet({ADDRESS: DOCUMENT})
    async with site(database, tmp_path, client_id_documents=True, fetcher=internet) as made:
        yield made, internet


APP = replace(CLINIC, client_id=ADDRESS, redirect_uris=("https://app.example/cb",))
PHONE = replace(APP, redirect_uris=("http://127.0.0.1:8123/cb",))


@pytest.mark.parametrize("client", [APP, PHONE])
async def test_people_are_told_the_host_and_not_the_name_it_gives_itself(
    open_site: tuple[Site, Internet], client: Client
) -> None:
    here, _ = open_site
    browser = here.browser()
    page = await browser.get(here.address(client))
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    assert "Do you want to share this with \u2068app.example\u2069?" in page.text
    assert "National Tax Office" not in page.text
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert page.url.startswith(client.redirect_uris[0])


async def test_people_are_asked_each_time_even_when_nothing_is_asked_for(
    open_site: tuple[Site, Internet],
) -> None:
    here, _ = open_site
    browser = here.browser()
    page = await browser.get(here.address(APP, scope="openid"))
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    page = await browser.press(page, "/consent", ("decision", "accept"))
    assert page.answer["code"]
    again = await browser.get(here.address(APP, scope="openid"))
    assert "app.example" in again.text and "code" not in again.answer
    silent = await browser.get(here.address(APP, scope="openid", prompt="none"))
    assert silent.answer["error"] == "consent_required"


async def test_what_was_agreed_can_be_taken_back_when_the_document_is_gone(
    open_site: tuple[Site, Internet],
) -> None:
    here, internet = open_site
    browser = here.browser()
    page = await browser.get(here.address(APP))
    page = await browser.press(page, "/identify", individual_id="4821009637")
    page = await browser.press(page, "/prove", otp=await here.code())
    await browser.press(page, "/consent", ("decision", "accept"))
    internet.pages.clear()
    here.clock.time += int(STALE)
    page = await browser.get("/me/consents")
    assert "app.example" in page.text
    page = await browser.press(page, "/me/consents", ("client_id", ADDRESS))
    assert "app.example" not in (await browser.get("/me/consents")).text


async def test_an_address_without_a_document_is_an_unknown_client(
    open_site: tuple[Site, Internet],
) -> None:
    here, internet = open_site
    internet.pages.clear()
    page = await here.browser().get(here.address(APP))
    assert page.status == 400 and page.url.startswith("https://localhost/")
