"""Metadata says what is switched on, under the issuer's own address."""

from dataclasses import replace

import msgspec
import pytest

from config.settings import Issuer
from idp.protocol.discovery import Offer, metadata, well_known_paths

OFFER = Offer(
    grant_types=("authorization_code",),
    auth_methods=("private_key_jwt", "none"),
    auth_algs=("ES256",),
    acr_values=("low", "high"),
    languages=("en", "ar"),
    encryption_algs=("ECDH-ES",),
    encryption_encs=("A128GCM",),
)


@pytest.mark.parametrize(
    ("address", "paths"),
    [
        (
            "https://id.example",
            ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
        ),
        (
            "https://id.example/a/b",
            (
                "/a/b/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/a/b",
            ),
        ),
    ],
)
@pytest.mark.spec("RFC 8414 §3.1")
def test_where_it_lies(address: str, paths: tuple[str, str]) -> None:
    assert well_known_paths(address) == paths
    document = metadata(Issuer(address=address, profile="oidc"), OFFER)
    assert document["issuer"] == address
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(f"{address}/")


def test_what_is_off_is_not_announced() -> None:
    issuer = Issuer(address="https://id.example", profile="oidc", algorithms=("PS256",))
    document = metadata(issuer, replace(OFFER, encryption_algs=()))
    assert document["id_token_signing_alg_values_supported"] == ["PS256"]
    assert document["grant_types_supported"] == ["authorization_code"]
    assert document["id_token_encryption_alg_values_supported"] == []
    assert document["acr_values_supported"] == ["low", "high"]
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "none"]
    assert document["introspection_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert document["request_uri_parameter_supported"] is False
    assert "service_documentation" not in document
    assert (
        "none"
        not in msgspec.json.encode(document["id_token_signing_alg_values_supported"]).decode()
    )
