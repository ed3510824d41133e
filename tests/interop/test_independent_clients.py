"""Clients that others wrote log in at the running demonstration and judge what they get."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.demonstration import Demonstration, demonstration, log_in
from tests.interop.scripted import driven

METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    with demonstration(tmp_path_factory.mktemp("demo")) as running:
        yield running


async def run_client(script: str, demo: Demonstration, method: str) -> dict[str, Any]:
    registered = demo.client(method)
    told = {"issuer": demo.ready["issuer"], "registered": registered}
    callback = registered["redirect_uris"][0]
    return await driven(script, told, lambda authorize: log_in(demo, authorize, callback))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("script", ["openid_client.mjs", "oauth4webapi.mjs"])
async def test_an_independent_client_logs_in(demo: Demonstration, script: str, method: str) -> None:
    told = await run_client(script, demo, method)
    resident = demo.resident
    assert told["userinfo"]["name"] == resident["name"]
    assert told["userinfo"]["email"] == resident["email"]
    assert told["userinfo"]["sub"] == told["id_token"]["sub"]
    assert "name" not in told["id_token"]
    assert told.get("active_after_revocation") in (None, False)
