"""``JavaScript:`` in capitals, and its relatives, as an address that a page links to.

Keycloak CVE-2026-9086; node-oidc-provider 9.8.2 and 9.8.5 (escapes in its own pages).
"""

import pytest

from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from tests.oauth import Provider

pytestmark = pytest.mark.attack("A10")

SCRIPTS = (
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "JAVASCRIPT://rp.example/%0aalert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:https://rp.example/x",
)


@pytest.mark.parametrize("address", SCRIPTS)
async def test_no_client_registers_a_script(op: Provider, address: str) -> None:
    for field in ("logo_uri", "policy_uri", "tos_uri"):
        with pytest.raises(InvalidClientMetadata):
            await op.register(**{field: address})
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        for kind in ("web", "native"):
            with pytest.raises((InvalidRedirectUri, InvalidClientMetadata)):
                await op.register("none", application_type=kind, **{field: (address,)})


@pytest.mark.parametrize("name", ["\u202eevil", "a\nb", "a\0b", "\u2066x", "x" * 1000, ""])
async def test_no_client_has_a_name_that_lies(op: Provider, name: str) -> None:
    with pytest.raises(InvalidClientMetadata):
        await op.register(names={"": name})
