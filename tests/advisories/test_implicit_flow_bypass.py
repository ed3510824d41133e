"""Tokens from the authorization endpoint, by a flow that is switched off.

Keycloak CVE-2026-7571.
"""

import pytest

from tests.journeys.login_world import Site

pytestmark = pytest.mark.behaviour(3)


@pytest.mark.parametrize(
    "kind", ["token", "id_token", "code token", "code id_token", "none", "CODE", "code code", ""]
)
@pytest.mark.parametrize("mode", [None, "fragment", "form_post"])
async def test_there_is_only_the_code_flow(here: Site, kind: str, mode: str | None) -> None:
    browser = here.browser()
    page = await browser.get(here.address(response_type=kind, response_mode=mode))
    refused = page.html if mode == "form_post" else page.url
    assert "unsupported_response_type" in refused or "invalid_request" in refused
    assert "access_token" not in refused and "id_token=" not in refused
