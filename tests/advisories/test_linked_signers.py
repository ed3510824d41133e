"""Clients that compare the activations they carry, to find out that two persons are one (A40)."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from config.runtime.clock import SystemClock
from config.runtime.database.connect import OpenDatabase, open_database
from idp.protocol.client import Client
from idp.protocol.signing import CREDENTIAL
from idp.stores.clients import Clients
from keystore.stores.tables import key_version
from tests import servers
from tests.advisories.test_linked_clients import values
from tests.journeys.browsers import Browser
from tests.journeys.login_world import CLINIC, SHOP, Site, site
from tests.keyrings import software_backend
from tests.machines import claims_of
from tests.signing_house import SHA256, signing_house

SERVICE = "https://sign.example"
SIGNS: dict[str, Any] = {"authorization_details_types": (CREDENTIAL,)}
NOTARY = replace(CLINIC, client_id="notary", **SIGNS)
LENDER = replace(SHOP, client_id="lender", subject_type="pairwise", **SIGNS)
EVERYBODYS = frozenset(("kind", "hash_algorithm", "count", "acr", "amr", "aud", "country"))
TIMES = frozenset(("auth_time", "iat", "exp"))
"""Whole seconds, which many people share."""


@pytest.fixture
async def here(tmp_path: Path, database: OpenDatabase) -> AsyncIterator[Site]:
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    servers.create_tables(url, key_version.metadata)
    keys = await open_database(url)
    (tmp_path / "keys").mkdir()
    async with signing_house(software_backend(tmp_path / "keys"), keys, tmp_path) as house:
        told: dict[str, Any] = {"activations": house.idp, "signing_service": SERVICE}
        async with site(database, tmp_path, **told) as running:
            running.clock.time = int(SystemClock().now())
            store = Clients(running.world.database)
            await running.world.database.submit(store.insert(NOTARY), store.insert(LENDER))
            yield running
    await keys.close()


async def activation(here: Site, browser: Browser, client: Client) -> dict[str, Any]:
    """Sign a document of the client's own, and return what its activation says."""
    digest = b64encode(sha256(client.client_id.encode()).digest()).decode()
    detail = {
        "type": CREDENTIAL,
        "documentDigests": [{"hash": digest, "label": "Contract", "hashType": "sodr"}],
        "hashAlgorithmOID": SHA256.oid,
    }
    asked = {"scope": "openid", "authorization_details": json.dumps([detail])}
    page = await browser.get(here.address(client, **asked))
    if page.has("individual_id"):
        page = await browser.press(page, "/identify", individual_id="4821009637")
        page = await browser.press(page, "/prove", otp=await here.code())
    if page.has("pin"):
        page = await browser.press(page, "/prove", pin="271828")
    page = await browser.press(page, "/consent", ("decision", "accept"))
    tokens = await here.tokens(page, client)
    [told] = claims_of(tokens["access_token"])["authorization_details"]
    return claims_of(told["activation"])


@pytest.mark.attack("A40")
async def test_two_activations_of_one_person_have_nothing_in_common(here: Site) -> None:
    browser = here.browser()
    first = await activation(here, browser, NOTARY)
    second = await activation(here, browser, LENDER)
    mine = {json.dumps(value) for path, value in values(first) if value and _tells(path)}
    theirs = {json.dumps(value) for path, value in values(second) if value and _tells(path)}
    assert not mine & theirs
    assert first["subject"] == (await activation(here, browser, NOTARY))["subject"]


def _tells(path: str) -> bool:
    return path.rpartition(".")[2] not in EVERYBODYS | TIMES
