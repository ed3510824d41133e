"""What each profile demands of a registration, and what a client may never be held to less."""

from dataclasses import replace
from typing import Any

import pytest

from config.settings import Features, Issuer
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.profile import PROFILES, stricter
from idp.protocol.registration import Possible, check
from tests.unit.idp.protocol.test_checks import client

BOUND = {"dpop_bound_access_tokens": True, "jwks": b'{"keys":[]}', "profile": "fapi2"}


def possible(profile: Any) -> Possible:
    algs = frozenset(("ES256", "PS256", "RS256"))
    return Possible(
        Issuer(address="https://id.example", profile=profile), algs, frozenset(), frozenset()
    )


def test_fapi_is_what_nobody_had_to_choose() -> None:
    assert Issuer(address="https://id.example").profile == "fapi2"
    assert client(profile=Client.__dataclass_fields__["profile"].default).profile == "fapi2"
    assert "RS256" not in Issuer(address="https://id.example").signing_algs
    assert "RS256" in Issuer(address="https://id.example", profile="oidc").signing_algs


def test_an_issuer_that_signs_weakly_is_refused_under_fapi() -> None:
    with pytest.raises(ValueError, match="FAPI"):
        Issuer(address="https://id.example", algorithms=("ES256", "RS256"))


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"dpop_bound_access_tokens": False},
        {"token_endpoint_auth_signing_alg": "RS256"},
        {"redirect_uris": ("http://127.0.0.1:9000/cb",)},
        {"profile": "oidc"},
        {"profile": "no such profile"},
    ],
)
@pytest.mark.spec("FAPI 2.0 Security Profile §5.3.2.1")
def test_what_fapi_forbids_is_not_registered(changes: dict[str, Any]) -> None:
    good = client(**BOUND)
    check(good, possible("fapi2"))
    with pytest.raises((InvalidClientMetadata, InvalidRedirectUri)):
        check(replace(good, **changes), possible("fapi2"))


def test_a_client_may_be_held_to_more_than_its_issuer() -> None:
    check(client(**BOUND), possible("oidc"))
    with pytest.raises(InvalidClientMetadata):
        check(client(**BOUND), possible("fapi2-message-signing"))


@pytest.mark.spec("RFC 9449 §5.2")
def test_tokens_are_bound_to_one_key_that_the_issuer_knows() -> None:
    check(client(**BOUND), possible("oidc"))
    without = replace(
        possible("oidc"),
        issuer=Issuer(address="https://id.example", profile="oidc", features=Features(dpop=False)),
    )
    with pytest.raises(InvalidClientMetadata, match="DPoP"):
        check(client(**BOUND), without)
    with pytest.raises(InvalidClientMetadata, match="not both"):
        check(client(**BOUND, tls_client_certificate_bound_access_tokens=True), possible("oidc"))


def test_the_stricter_of_two_profiles_counts() -> None:
    for one in PROFILES:
        assert stricter(one, "oidc") == stricter("oidc", one) == one
    assert stricter("fapi2", "fapi2-message-signing") == "fapi2-message-signing"
