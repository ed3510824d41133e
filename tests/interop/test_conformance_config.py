"""The module of the OpenID conformance suite's plan oidcc-config: metadata and keys."""

import asyncio
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import KeySet
from jwcrypto.jwk import JWK

from tests.interop.outsider import Outsider

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("demonstration")]

ENDPOINTS = ("authorization", "token", "userinfo", "introspection", "revocation", "end_session")
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.mark.behaviour(19)
async def test_oidcc_discovery_endpoint_verification(outside: Outsider) -> None:
    told = outside.metadata
    url = f"{outside.issuer}/.well-known/openid-configuration"
    response = await outside.http.get(url)
    assert response.headers["content-type"].split(";")[0] == "application/json"
    assert told["issuer"] == outside.issuer and not urlsplit(told["issuer"]).query
    for name in (*(f"{endpoint}_endpoint" for endpoint in ENDPOINTS), "jwks_uri"):
        assert told[name].startswith(f"{outside.issuer}/"), name
    assert set(told["response_types_supported"]) == {"code"}
    assert set(told["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in told["id_token_signing_alg_values_supported"]  # Discovery 1.0 §3
    assert "openid" in told["scopes_supported"]
    assert told["claims_parameter_supported"] is True
    assert told["request_uri_parameter_supported"] is False  # absent would mean true
    assert told["request_parameter_supported"] is True
    assert told["require_request_uri_registration"] is False
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_code" in told["grant_types_supported"]
    assert {"client_secret_basic", "private_key_jwt"} <= set(
        told["token_endpoint_auth_methods_supported"]
    )
    algorithms = told["token_endpoint_auth_signing_alg_values_supported"]
    assert algorithms and "none" not in algorithms
    for name, value in told.items():
        if name.endswith("_supported") and not isinstance(value, bool):
            assert isinstance(value, list) and value, name
            assert len(value) == len(set(value)) and all(type(x) is str for x in value), name


async def test_what_is_told_is_there(outside: Outsider) -> None:
    """Nothing of the metadata is a promise: every address answers, and not with a fault."""
    names = [f"{endpoint}_endpoint" for endpoint in ENDPOINTS]
    answers = await asyncio.gather(*(outside.http.get(outside.metadata[name]) for name in names))
    assert [answer.status_code for answer in answers] == [400, 405, 401, 405, 405, 200]


@pytest.mark.behaviour(19)
@pytest.mark.attack("A7")
async def test_keys_are_public_strong_and_told_apart(outside: Outsider) -> None:
    response = await outside.http.get(outside.metadata["jwks_uri"])
    assert response.headers["content-type"].split(";")[0] in (
        "application/json",
        "application/jwk-set+json",
    )
    keys = response.json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    offered = set(outside.metadata["id_token_signing_alg_values_supported"])
    assert {key["alg"] for key in keys} == offered
    for key in keys:
        assert not PRIVATE & set(key) and key["use"] == "sig"
        read = JWK(**key)
        assert not read.has_private
        if key["kty"] == "RSA":
            assert read.get_op_key("verify").key_size >= 2048
            assert key["e"] == "AQAB"
    assert len(KeySet.import_key_set(response.json()).keys) == len(keys)


async def test_both_well_known_documents_say_the_same(outside: Outsider) -> None:
    url = f"{outside.issuer}/.well-known/oauth-authorization-server"
    assert (await outside.http.get(url)).json() == outside.metadata
