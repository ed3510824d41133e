"""Redirect URIs that two parsers read differently.

Keycloak CVE-2024-8883, CVE-2026-3872 (``..;/``), CVE-2026-7504 (several @), CVE-2026-18209 (an
incomplete fix) and CVE-2026-9689 (parameters and fragments injected), Authlib before 1.8
(user information before a loopback host).
"""

import pytest

from idp.protocol.errors import InvalidRedirectUri
from idp.protocol.redirect_uris import check
from tests.interop import evil
from tests.journeys.login_world import CALLBACK, ORIGIN, Site

pytestmark = [pytest.mark.attack("A8"), pytest.mark.behaviour(4)]


async def test_only_the_registered_string_is_answered(here: Site) -> None:
    browser = here.browser()
    for address in evil.addresses(CALLBACK):
        page = await browser.get(here.address(redirect_uri=address, prompt="none"))
        assert page.status == 400 and page.url.startswith(ORIGIN), address


@pytest.mark.parametrize(
    "address",
    [
        "https://rp.example/cb/..;/evil",
        "https://rp.example/..%3b/evil/../x",
        "https://a@b@rp.example/cb",
        "https://rp.example@evil.example/cb",
        "https://rp.example/cb#x",
        "https://rp.example/cb?code=x",
        "https://rp.example/cb?state=x",
        "https://rp.example/cb?%63ode=x",
        "https://*.example/cb",
        "https://rp.example\\@evil.example/",
        "http://user@127.0.0.1/cb",
    ],
)
def test_what_is_ambiguous_is_not_registered(address: str) -> None:
    with pytest.raises(InvalidRedirectUri):
        check(address, "web")
