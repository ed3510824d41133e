"""Introspection and revocation (RFC 7662, RFC 7009)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import bindparam, select

from config.runtime.audit.records import entries
from config.runtime.database.unit import Statement
from idp.flows.registration import Registered
from idp.protocol.introspection import wants_signed
from tests.machines import API, OTHER, claims_of, header_of, resource_server
from tests.oauth import Provider


async def introspected(op: Provider, asker: Registered, token: str) -> dict[str, object]:
    answer = await op.post("/introspect", asker, token=token)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


@pytest.mark.spec("RFC 7662 §2.2")
async def test_a_token_is_told_of_to_its_client_and_its_audience_only(op: Provider) -> None:
    owner = await op.register()
    resource_server = await op.register(audience=op.issuer.address)
    stranger = await op.register(audience="https://api.example")
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    now = op.clock.now()
    for asker in (owner, resource_server):
        told = await introspected(op, asker, tokens["access_token"])
        assert told.pop("jti")
        assert told == {
            "active": True,
            "scope": "openid offline_access",
            "client_id": owner.client.client_id,
            "token_type": "Bearer",
            "exp": now + 300,
            "iat": now,
            "sub": "a-pairwise-subject",
            "aud": op.issuer.address,
            "iss": op.issuer.address,
            "auth_time": now - 5,
            "acr": "mosip:idp:acr:generated-code",
        }
    assert await introspected(op, stranger, tokens["access_token"]) == {"active": False}
    assert (await introspected(op, owner, tokens["refresh_token"]))["active"] is True
    for asker in (resource_server, stranger):
        assert await introspected(op, asker, tokens["refresh_token"]) == {"active": False}


async def test_what_is_no_good_token_is_inactive(op: Provider) -> None:
    owner = await op.register()
    tokens = await op.tokens(owner)
    for text in ("x", "a.b.c", tokens["access_token"] + "A", tokens["id_token"], "é" * 2000):
        assert await introspected(op, owner, text) == {"active": False}
    op.clock.at += 300
    assert await introspected(op, owner, tokens["access_token"]) == {"active": False}


async def test_nobody_asks_without_proof(op: Provider) -> None:
    public = await op.register("none")
    tokens = await op.tokens(public)
    form = {"token": tokens["access_token"]}
    assert (await op.http.post("/introspect", data=form)).status_code == 401
    assert (await op.post("/introspect", public, **form)).status_code == 401
    answer = await op.post("/introspect", await op.register(), other="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 7009 §2")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "private_key_jwt"])
async def test_a_client_ends_its_own_token(op: Provider, kind: str, method: str) -> None:
    owner = await op.register(method)
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
    ended = await op.post("/revoke", owner, token=tokens[kind], token_type_hint="nonsense")
    assert (ended.status_code, ended.content) == (200, b"")
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    refreshed = await op.post(
        "/token", owner, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await op.post("/revoke", owner, token=tokens[kind])).status_code == 200


@pytest.mark.spec("RFC 7009 §2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_nobody_ends_the_token_of_another(op: Provider, kind: str) -> None:
    owner, stranger = await op.register(), await op.register()
    tokens = await op.tokens(owner, scope=("openid", "offline_access"))
    answer = await op.post("/revoke", stranger, token=tokens[kind])
    assert (answer.status_code, answer.content) == (200, b"")
    unknown = await op.post("/revoke", stranger, token="x")
    assert (unknown.status_code, unknown.content) == (200, b"")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200
    assert (await op.http.post("/revoke", data={"token": tokens[kind]})).status_code == 401


SIGNED = "application/token-introspection+jwt"


async def signed(op: Provider, asker: Registered, token: str, accept: str = SIGNED) -> Any:
    credentials = op.credentials(asker)
    body = credentials.pop("form") | {"token": token}
    headers = {"accept": accept}
    return await op.http.post("/introspect", data=body, headers=headers, **credentials)


@pytest.mark.behaviour(50)
@pytest.mark.spec("RFC 9701 §4", "RFC 9701 §5")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
async def test_a_resource_server_gets_a_signed_answer(op: Provider, alg: str) -> None:
    server = await resource_server(
        op, introspection_signed_response_alg=alg, audience_scope=frozenset()
    )
    owner = await op.register(resources=(API,))
    token = (await op.tokens(owner, resources=(API,)))["access_token"]
    answer = await signed(op, server, token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, SIGNED)
    assert answer.headers["cache-control"] == "no-store"
    assert header_of(answer.text)["typ"] == "token-introspection+jwt"
    keys = KeySet.import_key_set(await op.jwks())
    claims = jwt.decode(answer.text, keys, algorithms=[alg]).claims
    plain = await introspected(op, server, token)
    assert claims == {
        "iss": op.issuer.address,
        "aud": API,
        "iat": op.clock.now(),
        "token_introspection": plain,
    }
    assert (plain["aud"], plain["active"]) == (API, True)
    bad = jwt.decode((await signed(op, server, "x")).text, keys, algorithms=[alg]).claims
    assert bad["token_introspection"] == {"active": False}
    # A token of ours it is not: nobody gets anywhere with it.
    bearer = {"authorization": f"Bearer {answer.text}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 401
    assert await introspected(op, server, answer.text) == {"active": False}


@pytest.mark.behaviour(50)
@pytest.mark.spec("RFC 9701 §4")
async def test_it_is_encrypted_where_that_is_registered(op: Provider) -> None:
    key = ECKey.generate_key("P-256", {"kid": "rs-1", "use": "enc"}, private=True)
    jwks = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
    server = await resource_server(
        op,
        jwks=jwks,
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A256GCM",
    )
    owner = await op.register()
    token = (await op.tokens(owner))["access_token"]
    answer = await signed(op, server, token)
    inner = jwe.decrypt_compact(answer.text, key).plaintext
    assert inner is not None
    assert claims_of(inner.decode())["token_introspection"] == {"active": False}
    assert claims_of(inner.decode())["aud"] == API


@pytest.mark.behaviour(50)
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (SIGNED.upper(), True),
        (f"application/json;q=0.2, {SIGNED};q=0.9", True),
        (f"{SIGNED};q=0", False),
        (f"{SIGNED}; Q=0.000", False),
        ("application/jwt", False),
        ("*/*", False),
        ("", False),
        (",;,", False),
    ],
)
async def test_only_who_names_the_signed_form_gets_it(
    op: Provider, accept: str, expected: bool
) -> None:
    owner = await op.register()
    token = (await op.tokens(owner))["access_token"]
    answer = await signed(op, owner, token, accept)
    assert (answer.headers["content-type"] == SIGNED) is expected
    refused = await op.http.post("/introspect", data={"token": "x"}, headers={"accept": accept})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@given(st.text())
def test_no_accept_header_is_a_fault(text: str) -> None:
    assert wants_signed(text) in (True, False)


@pytest.mark.spec("RFC 9396 §9.2")
async def test_details_go_to_the_resource_that_they_concern(op: Provider) -> None:
    details = (
        {"type": "account", "locations": [API]},
        {"type": "payment", "locations": [OTHER]},
        {"type": "record"},
    )
    server = await resource_server(op, audience_scope=frozenset({"records:read"}))
    await resource_server(op, OTHER)
    owner = await op.register(resources=(API, OTHER))
    tokens = await op.tokens(owner, resources=(API,), details=details)
    told = await introspected(op, server, tokens["access_token"])
    assert told["authorization_details"] == [details[0], details[2]]
    assert told["scope"] == ""
    assert claims_of(tokens["access_token"])["authorization_details"] == [details[0], details[2]]
    assert "scope" not in claims_of(tokens["access_token"])


async def test_what_ended_before_is_not_recorded_again(op: Provider) -> None:
    async def recorded() -> int:
        revoked = select(entries.c.number).where(entries.c.action == bindparam("action"))
        return len(await op.database.rows(Statement(revoked), action="grant.revoked"))

    owner = await op.register("private_key_jwt")
    code = await op.code(owner.client)
    tokens = (await op.redeem(owner, code)).json()
    for _ in range(3):
        assert (await op.redeem(owner, code)).status_code == 400
    assert await recorded() == 1
    for _ in range(3):
        assert (await op.post("/revoke", owner, token=tokens["access_token"])).status_code == 200
    assert await recorded() == 1
    form = op.credentials(owner)["form"] | {"token": tokens["access_token"]}
    statuses = [(await op.http.post("/revoke", data=form)).status_code for _ in range(2)]
    assert statuses == [200, 401]  # its assertion was used all the same
