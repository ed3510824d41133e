"""Tokens bound to certificates, and issuers without DPoP (RFC 8705 §3, RFC 9449)."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from config.runtime.database.connect import OpenDatabase
from config.runtime.web.certificates import CERTIFICATE, ClientCertificate
from config.settings import Features
from idp.flows.registration import Registered
from tests.dpop import Holder
from tests.keyrings import HandClock
from tests.oauth import CALLBACK, ISSUER, VERIFIER, Ground, Provider, provider

MINE, THEIRS = b"\x30 my certificate", b"\x30 their certificate"
X5T = base64.urlsafe_b64encode(hashlib.sha256(MINE).digest()).rstrip(b"=").decode()
BOUND: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}


class Connected:
    """Whoever asks, over a connection on which ``certificate`` was proven."""

    def __init__(self, op: Provider, certificate: bytes) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await op.web({**scope, CERTIFICATE: ClientCertificate(certificate)}, receive, send)

        self.op = op
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="https://id.example"
        )

    async def post(self, client: Registered, proof: str = "", **form: str) -> httpx2.Response:
        credentials = self.op.credentials(client)
        headers = {"DPoP": proof} if proof else {}
        body = credentials.pop("form") | form
        return await self.http.post("/token", data=body, headers=headers, **credentials)

    async def redeem(self, client: Registered, proof: str = "", **changes: Any) -> httpx2.Response:
        code = await self.op.code(client.client, **changes)
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        return await self.post(client, proof, redirect_uri=CALLBACK, **form)

    async def userinfo(self, token: str, scheme: str = "Bearer") -> httpx2.Response:
        header = {"authorization": f"{scheme} {token}"}
        return await self.http.get("/userinfo", headers=header)


@pytest.mark.behaviour(39)
@pytest.mark.spec("RFC 8705 §3")
async def test_a_token_that_is_bound_to_a_certificate_needs_it(op: Provider) -> None:
    mine, theirs = Connected(op, MINE), Connected(op, THEIRS)
    client = await op.register("private_key_jwt", **BOUND)
    answer = await mine.redeem(client)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "Bearer"
    token = answer.json()["access_token"]
    told = (await op.post("/introspect", client, token=token)).json()
    assert told["token_type"] == "Bearer"
    assert told["cnf"] == {"x5t#S256": X5T}
    assert (await mine.userinfo(token)).status_code == 200
    assert (await mine.userinfo(token, "bearer")).status_code == 200
    header = {"authorization": f"Bearer {token}"}
    refusals = [
        await theirs.userinfo(token),
        await op.http.get("/userinfo", headers=header),
        await mine.userinfo(token, "DPoP"),
        await Holder(op=op).userinfo(token),
        await Holder(op=op).userinfo(token, scheme="Bearer"),
    ]
    for refused in refusals:
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.behaviour(39)
async def test_a_client_that_owes_a_certificate_gets_nothing_without_one(op: Provider) -> None:
    client = await op.register("private_key_jwt", **BOUND)
    holder = Holder(op=op)
    for refused in (
        await op.redeem(client, await op.code(client.client)),
        await holder.redeem(client, await op.code(client.client)),
        await Connected(op, MINE).redeem(client, holder.proof("POST", "/token")),
    ):
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_request"


@pytest.mark.behaviour(43)
@pytest.mark.spec("RFC 8705 §4")
async def test_refresh_tokens_of_public_clients_are_bound_to_the_certificate(op: Provider) -> None:
    client = await op.register("none", **BOUND)
    scope = ("openid", "offline_access")
    first = (await Connected(op, MINE).redeem(client, scope=scope)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first}
    stolen = await Connected(op, THEIRS).post(client, **form)
    assert stolen.json()["error"] == "invalid_grant"
    answer = await Connected(op, MINE).post(client, **form)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != first


@pytest.mark.behaviour(43)
async def test_a_certificate_rotates_no_refresh_tokens(op: Provider) -> None:
    client = await op.register("private_key_jwt", **BOUND)
    scope = ("openid", "offline_access")
    first = (await Connected(op, MINE).redeem(client, scope=scope)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first}
    for certificate in (MINE, THEIRS):  # a certificate may be renewed
        answer = await Connected(op, certificate).post(client, **form)
        assert answer.json()["refresh_token"] == first


@pytest.fixture
async def plain(database: OpenDatabase, tmp_path: Path) -> AsyncIterator[Provider]:
    """A provider without DPoP."""
    issuer = msgspec.structs.replace(ISSUER, features=Features(dpop=False))
    ground = Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    made = await provider(ground)
    yield made
    await made.http.aclose()


async def test_without_dpop_a_proof_is_refused_and_nothing_is_announced(plain: Provider) -> None:
    metadata = (await plain.http.get("/.well-known/openid-configuration")).json()
    assert "dpop_signing_alg_values_supported" not in metadata
    client, holder = await plain.register(), Holder(op=plain)
    refused = await holder.redeem(client, await plain.code(client.client))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    token = (await plain.tokens(client))["access_token"]
    assert (await holder.userinfo(token, scheme="Bearer")).status_code == 200
    answer = await holder.userinfo(token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith(
        'Bearer realm="Symbolon", error="invalid_token"'
    )
