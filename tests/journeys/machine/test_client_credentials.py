"""Tokens that a client gets for itself (RFC 6749 §4.4), and the resources they are meant for."""

import asyncio
from typing import Any

import pytest

from idp.flows.registration import Registered
from idp.protocol.errors import InvalidClientMetadata
from tests.machines import API, OTHER, claims_of, machine, resource_server
from tests.oauth import Provider

METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]


async def token(op: Provider, client: Registered, **form: Any) -> dict[str, Any]:
    answer = await op.post("/token", client, grant_type="client_credentials", **form)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def refused(op: Provider, client: Registered, **form: Any) -> str:
    answer = await op.post("/token", client, grant_type="client_credentials", **form)
    assert answer.status_code in (400, 401), answer.text
    return str(answer.json()["error"])


@pytest.mark.spec("RFC 6749 §4.4", "RFC 9068 §2.2")
@pytest.mark.parametrize("method", METHODS)
async def test_a_client_gets_a_token_for_itself(op: Provider, method: str) -> None:
    await resource_server(op)
    client = await machine(op, method)
    told = await token(op, client)
    assert set(told) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(told["access_token"])
    assert claims.pop("jti") and claims.pop("grant_id")
    now = op.clock.now()
    assert claims == {
        "iss": op.issuer.address,
        "sub": client.client.client_id,
        "client_id": client.client.client_id,
        "aud": API,
        "scope": "records:read records:write",
        "iat": now,
        "exp": now + 300,
    }


@pytest.mark.spec("RFC 6749 §4.4.2", "RFC 6749 §3.3")
async def test_no_token_of_a_client_is_about_a_person(op: Provider) -> None:
    await resource_server(op)
    client = await machine(
        op,
        grant_types=("client_credentials", "authorization_code"),
        response_types=("code",),
        redirect_uris=("https://rp.example/cb",),
        scope=frozenset({"openid", "profile", "records:read"}),
    )
    for scope in ("openid", "profile", "records:read openid", "records:write", "offline_access"):
        assert await refused(op, client, scope=scope) == "invalid_scope"
    told = await token(op, client)
    assert told["scope"] == "records:read"
    told = await token(op, client, resource=op.issuer.address)
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 403


async def test_who_may_not_is_told(op: Provider) -> None:
    await resource_server(op)
    assert await refused(op, await op.register()) == "unauthorized_client"
    with pytest.raises(InvalidClientMetadata):
        await machine(op, "none")
    with pytest.raises(InvalidClientMetadata):
        await machine(op, scope=frozenset({"records:erase"}))
    with pytest.raises(InvalidClientMetadata):
        await machine(op, resources=("https://nobody.example",))


@pytest.mark.spec("RFC 8707 §2", "RFC 8707 §3")
async def test_each_token_is_for_the_resource_that_is_named(op: Provider) -> None:
    await resource_server(op)
    await resource_server(op, OTHER, audience_scope=frozenset({"other", "records:read"}))
    client = await machine(
        op,
        resources=(API, OTHER),
        scope=frozenset({"records:read", "records:write", "other"}),
    )
    told = await token(op, client, resource=API)
    assert (claims_of(told["access_token"])["aud"], told["scope"]) == (
        API,
        "records:read records:write",
    )
    told = await token(op, client, resource=OTHER)
    assert (claims_of(told["access_token"])["aud"], told["scope"]) == (OTHER, "other records:read")
    told = await token(op, client, resource=[API, OTHER])
    assert claims_of(told["access_token"])["aud"] == [API, OTHER]
    assert told["scope"] == "records:read"  # what both take, and nothing that only one does
    assert claims_of((await token(op, client))["access_token"])["aud"] == op.issuer.address


@pytest.mark.attack("A20")
@pytest.mark.spec("RFC 8707 §2")
@pytest.mark.parametrize(
    "resource",
    [
        "https://api.example",
        "https://api.example/records/",
        "https://API.example/records",
        "https://api.example/records#x",
        "http://api.example/records",
        "/records",
        "api",
        "https://evil.example",
        [API, "https://evil.example"],
    ],
)
async def test_nobody_gets_a_token_for_who_it_may_not_name(op: Provider, resource: Any) -> None:
    await resource_server(op)
    client = await machine(op)
    assert await refused(op, client, resource=resource) == "invalid_target"
    assert await refused(op, client, resource="https://a https://b") == "invalid_request"


async def test_resources_that_share_no_word_need_a_token_each(op: Provider) -> None:
    await resource_server(op, audience_scope=frozenset({"a"}))
    await resource_server(op, OTHER, audience_scope=frozenset({"b"}))
    client = await machine(op, resources=(API, OTHER), scope=frozenset({"a", "b"}))
    assert await refused(op, client, resource=[API, OTHER]) == "invalid_target"
    assert await refused(op, client, resource=API, scope="b") == "invalid_target"


async def test_a_resource_server_says_how_long_its_tokens_live(op: Provider) -> None:
    await resource_server(op, audience_token_lifetime=60)
    assert (await token(op, await machine(op)))["expires_in"] == 60
    assert (await token(op, await machine(op, access_token_lifetime=20)))["expires_in"] == 20
    assert (await token(op, await machine(op, access_token_lifetime=9000)))["expires_in"] == 60


@pytest.mark.spec("RFC 7009 §2", "RFC 7662 §2.2")
async def test_it_is_told_of_and_revoked_like_any_other(op: Provider) -> None:
    server, stranger = await resource_server(op), await resource_server(op, OTHER)
    client = await machine(op)
    first, second = await token(op, client), await token(op, client)

    async def active(asker: Registered, one: dict[str, Any]) -> bool:
        answer = await op.post("/introspect", asker, token=one["access_token"])
        return bool(answer.json()["active"])

    assert await active(server, first) and await active(client, first)
    assert not await active(stranger, first)
    assert (await op.post("/revoke", stranger, token=first["access_token"])).status_code == 200
    assert await active(server, first)
    assert (await op.post("/revoke", client, token=first["access_token"])).status_code == 200
    assert not await active(server, first)
    assert await active(server, second)
    await op.registrar.remove(client.client.client_id, op.clock.now())
    assert not await active(server, second)


@pytest.mark.behaviour(23)
async def test_an_assertion_brings_one_token(op: Provider) -> None:
    await resource_server(op)
    client = await machine(op, "private_key_jwt")
    form = op.credentials(client)["form"] | {"grant_type": "client_credentials"}
    answers = await asyncio.gather(*(op.http.post("/token", data=form) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


@pytest.mark.spec("RFC 8707 §2.2")
async def test_a_person_s_token_is_for_what_was_asked_at_the_beginning(op: Provider) -> None:
    await resource_server(op, audience_scope=frozenset())
    await resource_server(op, OTHER, audience_scope=frozenset())
    client = await op.register(resources=(API, OTHER))
    scope = ("openid", "offline_access")
    for granted, asked, audience in (
        ((), {}, op.issuer.address),
        ((API,), {}, API),
        ((API, OTHER), {"resource": OTHER}, OTHER),
        ((API, OTHER), {}, [API, OTHER]),
        ((API,), {"resource": op.issuer.address}, op.issuer.address),
    ):
        code = await op.code(client.client, resources=granted, scope=scope)
        answer = await op.redeem(client, code, **asked)
        assert answer.status_code == 200, answer.text
        assert claims_of(answer.json()["access_token"])["aud"] == audience
        assert "id_token" in answer.json()
    code = await op.code(client.client, resources=(API,), scope=scope)
    answer = await op.redeem(client, code, resource=OTHER)
    assert answer.json()["error"] == "invalid_target"
    tokens = (await op.redeem(client, code)).json()  # a refusal used nothing up
    for resource, status in ((OTHER, 400), (API, 200), (op.issuer.address, 200)):
        answer = await op.post(
            "/token",
            client,
            grant_type="refresh_token",
            refresh_token=tokens["refresh_token"],
            resource=resource,
        )
        assert answer.status_code == status, answer.text
        tokens = answer.json() if status == 200 else tokens
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
