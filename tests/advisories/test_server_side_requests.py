"""Addresses of clients that lead into the server's own network.

Keycloak CVE-2026-1180, CVE-2026-1518, CVE-2026-4366 and CVE-2026-4874 (jwks_uri, request_uri,
sector_identifier_uri, back-channel logout).
"""

import pytest

from config.runtime.destinations import NotAllowed, Rules, destination, judge
from tests.journeys.login_world import Site

pytestmark = pytest.mark.attack("A24")

INSIDE = (
    *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "::127.0.0.1"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_of_our_own_is_connected_to(address: str) -> None:
    going = destination("https://rp.example/jwks", Rules())
    with pytest.raises(NotAllowed):
        judge([address], going, Rules())


@pytest.mark.parametrize(
    "url",
    [
        "http://rp.example/jwks",
        "https://rp.example:22/jwks",
        "https://user@rp.example/jwks",
        "https://127.0.0.1\\@rp.example/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://localhost/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_",
        "https://rp.example/\r\nHost: evil",
    ],
)
def test_no_such_url_is_fetched(url: str) -> None:
    with pytest.raises(NotAllowed):
        judge(["127.0.0.1"], destination(url, Rules()), Rules())


async def test_a_request_uri_is_never_fetched(here: Site) -> None:
    """The world's fetcher fails the test when it is asked."""
    page = await here.browser().get(here.address(request_uri="https://169.254.169.254/latest"))
    assert page.answer["error"] == "request_uri_not_supported"
