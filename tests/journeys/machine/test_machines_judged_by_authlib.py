"""Authlib as an independent machine: its own token, exchange, introspection, revocation."""

import json
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.flows.registration import Registered
from idp.protocol.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.machines import API, machine, resource_server
from tests.oauth import Provider


def client_of(op: Provider, registered: Registered) -> AsyncOAuth2Client:
    """What an engineer writes who reads Authlib's documentation."""
    client = registered.client
    method = client.token_endpoint_auth_method
    return AsyncOAuth2Client(
        client_id=client.client_id,
        client_secret=registered.secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        transport=httpx2.ASGITransport(app=op.web),
        base_url=op.issuer.address,
    )


async def test_a_machine_gets_exchanges_inspects_and_ends_tokens(op: Provider) -> None:
    address = op.issuer.address
    gateway = await resource_server(
        op,
        grant_types=(GRANT_TYPE,),
        resources=(API,),
        exchange_subjects=("payroll",),
        scope=frozenset({"records:read"}),
    )
    payroll = await machine(op, "client_secret_post", client_id="payroll")
    keys = KeySet.import_key_set(await op.jwks())
    async with client_of(op, payroll) as one, client_of(op, gateway) as two:
        token: Any = await one.fetch_token(
            f"{address}/token",
            grant_type="client_credentials",
            resource=API,
        )
        claims = jwt.decode(token["access_token"], keys, algorithms=["ES256"]).claims
        assert (claims["sub"], claims["aud"]) == ("payroll", API)
        other: Any = await two.fetch_token(
            f"{address}/token",
            grant_type=GRANT_TYPE,
            subject_token=token["access_token"],
            subject_token_type=ACCESS_TOKEN,
            scope="records:read",
        )
        claims = jwt.decode(other["access_token"], keys, algorithms=["ES256"]).claims
        assert claims["act"] == {"sub": gateway.client.client_id}
        assert claims["scope"] == "records:read"
        told = await two.introspect_token(f"{address}/introspect", token=other["access_token"])
        assert json.loads(told.text)["active"] is True
        ended = await one.revoke_token(f"{address}/revoke", token=token["access_token"])
        assert ended.status_code == 200
        told = await two.introspect_token(f"{address}/introspect", token=other["access_token"])
        assert json.loads(told.text) == {"active": False}
