"""Clients that others wrote prove keys by DPoP, push their requests and are told nonces."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from tests.deployment import (
    JWKS,
    KEY,
    Deployment,
    claims_of,
    deployment,
    import_residents,
    migrated,
    register,
)
from tests.interop.scripted import CALLBACK, driven, walked

CONFIDENTIAL: dict[str, Any] = {"profile": "fapi2", "dpop_bound_access_tokens": True, "jwks": JWKS}
PUBLIC: dict[str, Any] = {"token_endpoint_auth_method": "none", "jwks": None}
CLIENTS = {"private_key_jwt": CONFIDENTIAL, "none": PUBLIC}

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("dpop")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Deployment]:
    """A deployment whose issuer demands nonces, with one resident and a client of each kind."""
    sections: dict[str, Any] = {"issuers.features": {"dpop_nonce": True}}
    with deployment(**sections) as laid:
        await migrated(laid)
        await laid.keys_up()
        for method, wish in CLIENTS.items():
            await register(laid, method, redirect_uris=(CALLBACK,), **wish)
        await import_residents(laid)
        await laid.web_up()
        yield laid


@pytest.mark.behaviour(39)
@pytest.mark.behaviour(40)
@pytest.mark.behaviour(41)
@pytest.mark.parametrize("method", CLIENTS)
@pytest.mark.parametrize("alg", ["ES256", "PS256"])
@pytest.mark.parametrize("script", ["dpop_oauth4webapi.mjs", "dpop_openid_client.mjs"])
async def test_an_independent_client_proves_its_key(
    place: Deployment, script: str, alg: str, method: str
) -> None:
    registered = {
        "client_id": method,
        "token_endpoint_auth_method": method,
        "redirect_uris": [CALLBACK],
        "jwks": {"keys": [KEY.as_dict(private=True)]},
    }
    asked = {"issuer": place.issuer, "alg": alg, "registered": registered}
    told = await driven(script, asked, partial(walked, place))
    assert [kind.lower() for kind in told["token_types"]] == ["dpop", "dpop"]
    assert told["name"] == "Ada 7000000000"
    assert claims_of(told["access_token"])["cnf"] == {"jkt": told["jkt"]}
    assert told["bare"] == 401
    assert told["stolen"] == "invalid_grant"
    assert told["rotated"] is (method == "none")
    assert told["refusals"] >= 1
