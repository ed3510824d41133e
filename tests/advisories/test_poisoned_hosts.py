"""A host that a stranger names, in links, metadata or caches.

Starlette CVE-2026-48710 and CVE-2026-54282; mixed answers from a shared cache: LiteLLM
CVE-2026-35030.
"""

import pytest

from tests.journeys.login_world import ORIGIN, Site

pytestmark = [pytest.mark.attack("A29"), pytest.mark.attack("A30")]

NAMED = ("x-forwarded-host", "x-host", "x-forwarded-server", "forwarded", "x-original-url")


async def test_the_issuer_is_a_constant(here: Site) -> None:
    client = here.browser().client
    for name in NAMED:
        headers = {name: "host=evil.example" if name == "forwarded" else "evil.example"}
        told = await client.get("/.well-known/openid-configuration", headers=headers)
        assert told.json()["issuer"] == ORIGIN and "evil" not in told.text
        page = await client.get(here.address(), headers=headers)
        assert page.headers["location"].startswith("/login/")
    for host in ("evil.example", "localhost.evil.example", "localhost:8443", "localhost@evil", ""):
        told = await client.get("/.well-known/openid-configuration", headers={"host": host})
        assert told.status_code in (400, 421), host


async def test_what_is_one_persons_is_cached_nowhere(here: Site) -> None:
    browser = here.browser()
    pages = [await browser.get(here.address()), await here.named(browser), await browser.get("/me")]
    for page in pages:
        assert "no-store" in page.response.headers["cache-control"]
