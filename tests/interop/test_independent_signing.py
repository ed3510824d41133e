"""Clients that others wrote sign what they ask (JAR), push it (PAR) and read signed answers."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from tests.deployment import (
    JWKS,
    KEY,
    Deployment,
    deployment,
    import_residents,
    migrated,
    register,
)
from tests.interop.scripted import CALLBACK, driven, walked

CLIENT = "private_key_jwt"

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("signing")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Deployment]:
    """A deployment with one resident and one client of FAPI 2.0 Message Signing."""
    with deployment() as laid:
        await migrated(laid)
        await laid.keys_up()
        await register(
            laid,
            CLIENT,
            profile="fapi2-message-signing",
            redirect_uris=(CALLBACK,),
            dpop_bound_access_tokens=True,
            jwks=JWKS,
        )
        await import_residents(laid)
        await laid.web_up()
        yield laid


@pytest.mark.behaviour(47)
@pytest.mark.behaviour(49)
@pytest.mark.parametrize(
    ("script", "mode"),
    [
        ("signing_oauth4webapi.mjs", "jwt"),
        ("signing_oauth4webapi.mjs", "query.jwt"),
        ("signing_oauth4webapi.mjs", "fragment.jwt"),
        ("signing_openid_client.mjs", "jwt"),
    ],
)
async def test_an_independent_client_signs_and_reads_what_is_signed(
    place: Deployment, script: str, mode: str
) -> None:
    registered = {
        "client_id": CLIENT,
        "redirect_uris": [CALLBACK],
        "jwks": {"keys": [KEY.as_dict(private=True)]},
    }
    asked = {"issuer": place.issuer, "registered": registered, "mode": mode}
    told = await driven(script, asked, partial(walked, place))
    assert told["userinfo"]["name"] == "Ada 7000000000"
    assert told["unsigned"] == "invalid_request"
    assert told["returned"] == ["response"]
