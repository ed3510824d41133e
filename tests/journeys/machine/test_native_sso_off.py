"""Native single sign-on is off until an operator wants it."""

from typing import Any

import pytest

from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.native_sso import DEVICE_SECRET
from idp.protocol.token_exchange import GRANT_TYPE, ID_TOKEN
from tests.oauth import Provider


async def test_nothing_speaks_of_it(op: Provider) -> None:
    metadata: dict[str, Any] = (await op.http.get("/.well-known/openid-configuration")).json()
    assert "native_sso_supported" not in metadata
    assert "device_sso" not in metadata["scopes_supported"]


@pytest.mark.parametrize(
    "changes",
    [{"sso_group": "example"}, {"scope": frozenset(("openid", "device_sso"))}],
    ids=["group", "scope"],
)
async def test_nobody_registers_for_it(op: Provider, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidClientMetadata):
        await op.register(**changes)


async def test_a_device_secret_is_no_actor(op: Provider) -> None:
    registered = await op.register(grant_types=("authorization_code", GRANT_TYPE))
    tokens = await op.tokens(registered)
    answer = await op.post(
        "/token",
        registered,
        grant_type=GRANT_TYPE,
        audience=op.issuer.address,
        subject_token=tokens["id_token"],
        subject_token_type=ID_TOKEN,
        actor_token="x" * 43,
        actor_token_type=DEVICE_SECRET,
    )
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request"
