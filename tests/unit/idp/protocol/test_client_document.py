"""Documents at the address that is a client_id: which addresses, and what may stand in them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Issuer
from idp.protocol.client_document import LONGEST_ADDRESS, client_of, host_of, shell
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.registration import Possible

ADDRESS = "https://app.example/client.json"
POSSIBLE = Possible(
    Issuer(address="https://id.example", profile="oidc", algorithms=("ES256",)),
    frozenset(("ES256",)),
    frozenset(),
    frozenset(),
)
FAPI = Possible(
    Issuer(address="https://id.example"), frozenset(("ES256",)), frozenset(), frozenset()
)
GOOD: dict[str, Any] = {
    "client_id": ADDRESS,
    "client_name": "National Tax Office",
    "redirect_uris": ["https://app.example/cb", "http://127.0.0.1:8000/cb"],
    "scope": "openid email something:else",
    "grant_types": ["authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"],
    "logo_uri": "https://app.example/logo.png",
    "unknown": {"deep": [1]},
}
KEYS = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ]
}


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (ADDRESS, "app.example"),
        ("https://app.example/", "app.example"),
        ("https://app.example:8443/a", "app.example"),
    ],
)
def test_addresses_of_documents(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.spec("draft-ietf-oauth-client-id-metadata-document-02 §3")
@pytest.mark.parametrize(
    "address",
    [
        "",
        "clinic",
        "http://app.example/a",
        "https://app.example",
        "https://App.example/a",
        "https://app.example/a?b",
        "https://app.example/a#b",
        "https://app.example/a/../b",
        "https://app.example/./b",
        "https://app.example/%2e%2e/b",
        "https://user@app.example/a",
        "https://user:word@app.example/a",
        "https://127.0.0.1/a",
        "https://127.1/a",
        "https://[::1]/a",
        "https://app.example:0/a",
        "https://app.example:99999/a",
        "https://app.example/a b",
        "https://app.example/é",
        "https://аpp.example/a",
        "https://app..example/a",
        "https://-app.example/a",
        "https:app.example/a",
        "https://app.example\\@evil.example/a",
        "https://app.example/" + "a" * LONGEST_ADDRESS,
    ],
)
def test_anything_else_is_no_address_of_a_document(address: str) -> None:
    assert host_of(address) is None
    assert shell(address, "https://id.example") is None


def test_a_document_describes_a_client_by_what_may_be_believed() -> None:
    client = client_of(GOOD, ADDRESS, POSSIBLE)
    assert client.names == {"": "app.example"}, "nobody has checked the name it gives itself"
    assert client.sector == "app.example" and client.subject_type == "pairwise"
    assert client.scope == {"openid", "email"}
    assert client.grant_types == ("authorization_code", "refresh_token")
    assert (client.self_described, client.logo_uri, client.require_pkce) == (True, None, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://app.example/other.json"},
        {"client_id": "https://APP.example/client.json"},
        {"client_id": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},  # without keys
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"client_secret": "x"},
        {"redirect_uris": []},
        {"redirect_uris": "https://app.example/cb"},
        {"redirect_uris": ["https://evil.example/cb"]},
        {"redirect_uris": ["https://app.example.evil.example/cb"]},
        {"redirect_uris": ["http://app.example/cb"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["com.evil.app:/cb"], "application_type": "native"},
        {"post_logout_redirect_uris": ["https://evil.example/bye"]},
        {"response_types": ["token"]},
        {"grant_types": ["implicit"]},
        {"scope": "email"},
        {"policy_uri": "javascript:alert(1)"},
        {"jwks": "text"},
        {"default_max_age": "soon"},
    ],
)
def test_what_is_unsound_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((InvalidClientMetadata, InvalidRedirectUri)):
        client_of(GOOD | changes, ADDRESS, POSSIBLE)


@pytest.mark.parametrize(
    "privilege",
    [
        {"audience": "https://api.example"},
        {"first_party": True},
        {"sso_group": "g"},
        {"self_described": False},
        {"subject_type": "public"},
        {"may_act": "x"},
        {"exchange_impersonates": True},
        {"profile": "oidc"},
        {"issuer": "https://other.example"},
        {"secret_digest": "AAAA"},
    ],
)
def test_nobody_grants_himself_what_an_operator_grants(privilege: dict[str, Any]) -> None:
    assert client_of(GOOD | privilege, ADDRESS, POSSIBLE) == client_of(GOOD, ADDRESS, POSSIBLE)


def test_the_profile_of_the_issuer_is_held() -> None:
    with pytest.raises(InvalidClientMetadata, match="fapi2"):
        client_of(GOOD, ADDRESS, FAPI)
    strong = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS}
    strong |= {"redirect_uris": ["https://app.example/cb"]}
    with pytest.raises(InvalidClientMetadata, match="bound"):
        client_of(GOOD | strong, ADDRESS, FAPI)
    client = client_of(GOOD | strong | {"dpop_bound_access_tokens": True}, ADDRESS, FAPI)
    assert client.profile == "fapi2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(JSON | st.dictionaries(st.sampled_from(sorted(GOOD)), JSON).map(lambda m: GOOD | m))
def test_any_document_is_a_client_or_refused(document: object) -> None:
    with suppress(InvalidClientMetadata, InvalidRedirectUri):
        assert client_of(document, ADDRESS, POSSIBLE).client_id == ADDRESS


@given(st.text(max_size=60).map(lambda text: "https://app.example/" + text))
def test_any_address_has_a_host_or_none(address: str) -> None:
    assert host_of(address) in (None, "app.example")
