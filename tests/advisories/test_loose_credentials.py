"""Client credentials that a lenient reader would accept.

node-oidc-provider 9.11.4 (loosely decoded Basic, audiences that are no strings, claims requests of
odd shapes), Authlib before 1.6 (two methods at once).
"""

from base64 import b64encode
from urllib.parse import quote

import pytest

from tests.journeys.login_world import Site
from tests.oauth import Provider

pytestmark = pytest.mark.attack("A19")


async def test_basic_is_read_in_one_way(op: Provider) -> None:
    client = await op.register()
    name, secret = client.client.client_id, client.secret or ""
    pair = f"{quote(name)}:{quote(secret)}".encode()
    right = b64encode(pair).decode()
    form = {"token": "x"}

    async def status(header: str, **more: str) -> int:
        headers = {"authorization": header}
        return (await op.http.post("/introspect", data=form | more, headers=headers)).status_code

    assert await status(f"Basic {right}") == 200
    for header in (
        f"Basic {right}!",
        f"Basic {right[:-4]}",
        f"Basic {right}AAAA",
        "Basic " + b64encode(pair + b" ").decode(),
        "Basic " + b64encode(b" " + pair).decode(),
        "Basic " + b64encode(name.encode()).decode(),
        "Basic " + b64encode(pair + b"\0").decode(),
        "Basic " + b64encode(name.encode() + b":%zz").decode(),
        f"Bearer {right}",
        f"Basic {right}, Basic {right}",
    ):
        assert await status(header) in (400, 401), header
    assert await status(f"Basic {right}", client_id=name, client_secret=secret) in (400, 401)
    assert await status(f"Basic {right}", client_id="another") in (400, 401)


@pytest.mark.parametrize("audience", [7, {}, [], [7], [["https://id.example"]], True, "", [None]])
async def test_an_audience_is_a_string(op: Provider, audience: object) -> None:
    client = await op.register("private_key_jwt")
    form = op.credentials(client, aud=audience)["form"] | {"token": "x"}
    assert (await op.http.post("/introspect", data=form)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        "[]",
        "1",
        '"x"',
        "nul",
        '{"userinfo": []}',
        '{"userinfo": {"name": true}}',
        '{"userinfo": {"name": {"essential": "yes"}}}',
        '{"userinfo": {"name": {"values": "x"}}}',
        '{"a": 1, "a": 2}',
        '{"id_token": {"sub": {"value": NaN}}}',
        '{"a":' * 3000,
    ],
)
async def test_a_claims_request_has_one_shape(here: Site, claims: str) -> None:
    page = await here.browser().get(here.address(claims=claims))
    assert page.answer["error"] == "invalid_request"
