"""Redirect URIs that two parsers read differently.

Keycloak CVE-2024-8883, CVE-2026-3872 (``..;/``), CVE-2026-7504 (several @), CVE-2026-18209 (an
incomplete fix) and CVE-2026-9689 (parameters and fragments injected), Authlib before 1.8
(user information before a loopback host).
"""

import httpx2
import pytest

from idp.protocol.client_document import client_of
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.par import PREFIX
from idp.protocol.redirect_uris import check
from idp.protocol.registration import Possible
from tests.interop import evil
from tests.journeys.login_world import CALLBACK, ORIGIN, Site
from tests.oauth import ISSUER
from tests.signing import SIGNER, known, object_of, push, push_object

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


async def test_only_the_registered_string_is_pushed(here: Site) -> None:
    """The class at PAR, where nobody looks at an address: plain, and in a signed object."""
    signer = await known(here, SIGNER)
    for address in evil.addresses(CALLBACK):
        here.world.limits._full_at.clear()  # paces are no matter of this test
        pushed = await push(here, redirect_uri=address)
        assert pushed.status_code in (400, 413) and "request_uri" not in pushed.json(), address
        claims = {"redirect_uri": address, "response_mode": "jwt"}
        answer = await push_object(here, signer, object_of(here, signer, **claims))
        assert answer.status_code in (400, 413) and "request_uri" not in answer.json(), address
        fields = [*opening_of(address)]
        page = await here.browser().request("POST", "/authorize", fields)
        assert page.url.startswith(ORIGIN) and page.status in (400, 413), address


def opening_of(address: str) -> list[tuple[str, str]]:
    """A reference to nothing, with an address beside it to be sent to."""
    reference = f"{PREFIX}{'x' * 43}"
    fields = {"client_id": "clinic", "request_uri": reference, "redirect_uri": address}
    return list(fields.items())


def test_a_client_that_describes_itself_leads_nowhere_else() -> None:
    """draft-ietf-oauth-client-id-metadata-document §8.1: its own host, or the person's device."""
    address = "https://app.example/client.json"
    possible = Possible(ISSUER, frozenset(("ES256",)), frozenset(), frozenset())
    good = "https://app.example/cb"
    told = {"client_id": address, "redirect_uris": [good]}
    assert client_of(told, address, possible).redirect_uris == (good,)
    for uri in evil.addresses(good):
        try:
            client = client_of(told | {"redirect_uris": [uri]}, address, possible)
        except (InvalidRedirectUri, InvalidClientMetadata):
            continue
        [kept] = client.redirect_uris
        assert httpx2.URL(kept).host in ("app.example", "localhost", "127.0.0.1", "::1"), uri
    for name in ("policy_uri", "tos_uri", "jwks_uri"):
        for uri in ("javascript:alert(1)", "JavaScript:alert(1)", "http://app.example/", "data:,x"):
            with pytest.raises(InvalidClientMetadata):
                client_of(told | {name: uri}, address, possible)
