"""Metadata and keys: true, cacheable, and the only things besides tokens that scripts may read."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import KeySet

from config.runtime.database.connect import OpenDatabase
from config.settings import Issuer
from keystore.backends.backend import Algorithm
from keystore.rings import issuer_ring
from tests.keyrings import HandClock
from tests.oauth import Ground, Provider, provider


async def test_both_documents_say_the_same_truth(op: Provider) -> None:
    oidc = await op.http.get("/.well-known/openid-configuration")
    oauth = await op.http.get("/.well-known/oauth-authorization-server")
    assert oidc.json() == oauth.json()
    document = oidc.json()
    assert document["issuer"] == op.issuer.address
    assert document["id_token_signing_alg_values_supported"] == ["ES256", "EdDSA"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    for name, value in document.items():
        if name.endswith("_endpoint") or name.endswith("_uri"):
            assert value.startswith(op.issuer.address + "/")
    for name in ("token", "userinfo", "introspection", "revocation"):
        path = urlsplit(document[f"{name}_endpoint"]).path
        assert (await op.http.post(path, data={"x": "y"})).status_code in (400, 401)
    assert (await op.http.get(urlsplit(document["jwks_uri"]).path)).status_code == 200


async def test_an_issuer_with_a_path_lies_under_it(database: OpenDatabase, tmp_path: Path) -> None:
    issuer = Issuer(address="https://id.example/land/", profile="oidc", algorithms=("ES256",))
    made = await provider(
        Ground(database=database, directory=tmp_path, clock=HandClock(), issuer=issuer)
    )
    async with made.http:
        for path in (
            "/land/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/land",
        ):
            document = (await made.http.get(path)).json()
            assert document["issuer"] == "https://id.example/land/"
            assert document["token_endpoint"] == "https://id.example/land/token"
        assert (await made.http.get("/land/jwks")).status_code == 200
        for path in ("/.well-known/openid-configuration", "/jwks", "/token"):
            assert (await made.http.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_documents_are_cached_by_tag_and_age(op: Provider, path: str) -> None:
    first = await op.http.get(path)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["content-type"] == "application/json"
    again = await op.http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.behaviour(19)
async def test_keys_are_public_and_each_has_its_name(op: Provider) -> None:
    document = await op.jwks()
    kids = [key["kid"] for key in document["keys"]]
    assert len(kids) == len(set(kids)) == 2
    assert not {"d", "p", "q", "k"} & {member for key in document["keys"] for member in key}
    KeySet.import_key_set(document)


@pytest.mark.behaviour(28)
async def test_a_new_key_appears_and_the_old_one_stays(op: Provider) -> None:
    before = {key["kid"] for key in (await op.jwks())["keys"]}
    tokens = await op.tokens(await op.register())
    await op.keys.rotate(issuer_ring(op.issuer.address), Algorithm.ES256, emergency=False)
    op.clock.at += 11
    after = {key["kid"] for key in (await op.jwks())["keys"]}
    assert before < after
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await op.http.get("/userinfo", headers=bearer)).status_code == 200


async def test_scripts_of_other_sites_reach_these_and_no_more(op: Provider) -> None:
    ask = {"origin": "https://spa.example", "access-control-request-method": "POST"}
    for path in ("/token", "/userinfo", "/jwks", "/.well-known/openid-configuration"):
        answer = await op.http.options(path, headers=ask)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
        assert "access-control-allow-credentials" not in answer.headers
    for path in ("/introspect", "/revoke"):
        for answer in (
            await op.http.options(path, headers=ask),
            await op.http.post(path, data={"token": "x"}, headers=ask),
        ):
            assert "access-control-allow-origin" not in answer.headers


async def test_nothing_that_is_sent_makes_a_fault(op: Provider) -> None:
    registered = await op.register()
    junk = [
        b"\xff\xfe",
        b"%",
        b"grant_type=%00",
        b"grant_type=authorization_code&code=%ed%a0%80",
        b"a=" + b"b" * 70_000,
        b"&".join(b"a%d=1" % i for i in range(200)),
        json.dumps({"grant_type": "authorization_code"}).encode(),
        b"",
    ]
    auth = (registered.client.client_id, registered.secret or "")
    for path in ("/token", "/introspect", "/revoke", "/userinfo"):
        for body in junk:
            for kind in ("application/x-www-form-urlencoded", "application/json", "x"):
                answer = await op.http.post(
                    path, content=body, headers={"content-type": kind}, auth=auth
                )
                assert 400 <= answer.status_code < 500, (path, body[:20], kind)
