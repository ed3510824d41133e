"""Text that becomes part of a database statement; secrets that everybody knows.

Ory Hydra GHSA-r9w3-57w2-gch2 and Kratos GHSA-hgx2-28f8-6g2r (page tokens and a default secret).
"""

import pytest

from config.settings import Settings
from tests.journeys.login_world import Site
from tests.oauth import Provider

pytestmark = pytest.mark.attack("A28")

STATEMENTS = (
    "' OR '1'='1",
    "'; DROP TABLE resident; --",
    '" UNION SELECT * FROM client --',
    "x' AND 1=CAST((SELECT 1) AS int) --",
    "%",
    "_",
    "\\",
    ":id",
    "$1",
    "?",
)


@pytest.mark.parametrize("text", STATEMENTS)
async def test_a_number_of_a_person_is_only_text(here: Site, text: str) -> None:
    browser = here.browser()
    page = await here.named(browser, text)
    assert page.status == 200 and page.has("otp")
    assert not await here.world.letters()
    assert (await browser.get(here.address(client_id=text))).status == 400


@pytest.mark.parametrize("text", STATEMENTS)
async def test_a_code_or_token_is_only_text(op: Provider, text: str) -> None:
    client = await op.register()
    assert (await op.redeem(client, text)).json()["error"] == "invalid_grant"
    refreshed = await op.post("/token", client, grant_type="refresh_token", refresh_token=text)
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await op.post("/introspect", client, token=text)).json() == {"active": False}


def test_no_secret_has_a_default() -> None:
    settings = Settings()
    assert settings.keys.pin_file == "" and not settings.keys.software_allowed
    assert settings.channels.inbox_token == "" and settings.channels.enabled == ()
