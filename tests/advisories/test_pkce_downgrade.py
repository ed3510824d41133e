"""A challenge that is left out, weakened or stripped on the way (RFC 9700 §4.8).

The class of golang oauth servers' and Keycloak's ``plain`` defaults; eSignet#2539 (challenges that
were optional where the profile demands them).
"""

import pytest

from tests.journeys.login_world import CHALLENGE, VERIFIER, Site
from tests.oauth import Provider

pytestmark = pytest.mark.attack("A15")


@pytest.mark.parametrize(
    "asked",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge_method": "S256 "},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "="},
    ],
)
async def test_a_request_cannot_do_without(here: Site, asked: dict[str, str | None]) -> None:
    page = await here.browser().get(here.address(**asked))
    assert page.answer["error"] == "invalid_request"


async def test_a_verifier_fits_its_challenge_or_nothing(op: Provider) -> None:
    client = await op.register()
    unbound = await op.code(client.client, code_challenge=None)
    assert (await op.redeem(client, unbound)).json()["error"] == "invalid_grant"
    bound = await op.code(client.client)
    for verifier in ("", "x" * 43, "x" * 129, "ü" * 43):
        assert (await op.redeem(client, bound, code_verifier=verifier)).status_code == 400
    assert (await op.redeem(client, bound)).status_code == 200, "a wrong try spends nothing"
