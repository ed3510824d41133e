"""A login from the client's request to the code, as a browser without JavaScript walks it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.runtime.database.connect import OpenDatabase
from tests.journeys.login_world import Site, site


@pytest.fixture
async def here(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    """An issuer, on SQLite and on PostgreSQL."""
    async with site(database, tmp_path) as running:
        yield running


async def test_a_resident_logs_in_and_the_client_gets_a_code(here: Site) -> None:
    browser = here.browser()
    first = await browser.get(here.address())
    assert first.status == 200 and first.has("individual_id")
    factor = await browser.press(first, "/identify", individual_id="4821009637")
    assert factor.has("otp")
    consent = await browser.press(factor, "/prove", otp=await here.code())
    assert "Clinic" in consent.text and "Full name" in consent.text
    back = await browser.press(consent, "/consent", ("decision", "accept"))
    assert back.url.startswith("https://clinic.example/cb?code=")
    assert back.answer["state"] == "s-1" and back.answer["iss"] == "https://localhost"
    tokens = await here.tokens(back)
    assert tokens["token_type"] == "Bearer" and "id_token" in tokens
