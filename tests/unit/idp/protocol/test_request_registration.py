"""What a client may register of its requests and answers."""

from dataclasses import replace
from typing import Any

import pytest

from config.settings import Features, Issuer
from config.settings.issuers import RESPONSE_TYPES
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.registration import Possible, check

CLIENT = Client(
    client_id="c",
    issuer="https://id.example",
    names={"": "C"},
    redirect_uris=("https://rp.example/cb",),
    token_endpoint_auth_method="private_key_jwt",
    sector="rp.example",
    profile="oidc",
    jwks=b'{"keys":[]}',
)
HYBRID = ("authorization_code", "implicit")


def judged(features: Features, **changes: Any) -> None:
    issuer = Issuer(address="https://id.example", profile="oidc", features=features)
    possible = Possible(
        issuer=issuer,
        auth_algs=frozenset(("ES256",)),
        encryption_algs=frozenset(("ECDH-ES",)),
        encryption_encs=frozenset(("A128GCM",)),
    )
    check(replace(CLIENT, **changes), possible)


MANY = Features(response_types=RESPONSE_TYPES, request_uris=True)


@pytest.mark.parametrize(
    ("features", "changes"),
    [
        (Features(), {"require_pushed_authorization_requests": True}),
        (Features(), {"require_signed_request_object": True}),
        (Features(), {"request_object_signing_alg": "PS256"}),
        (Features(), {"authorization_signed_response_alg": "ES256"}),
        (Features(), {"authorization_encrypted_response_alg": "ECDH-ES"}),
        (MANY, {"request_uris": ("https://rp.example/request.jwt",)}),
        (MANY, {"response_types": RESPONSE_TYPES, "grant_types": HYBRID}),
        (MANY, {"response_types": ("id_token",), "grant_types": ("implicit",)}),
    ],
)
def test_what_is_offered_may_be_registered(features: Features, changes: dict[str, Any]) -> None:
    judged(features, **changes)


@pytest.mark.parametrize(
    ("features", "changes"),
    [
        (Features(pushed_requests=False), {"require_pushed_authorization_requests": True}),
        (Features(request_objects=False), {"require_signed_request_object": True}),
        (Features(), {"require_signed_request_object": True, "jwks": None, "jwks_uri": None}),
        (Features(), {"request_object_signing_alg": "none"}),
        (Features(), {"request_object_signing_alg": "HS256"}),
        (Features(), {"request_uris": ("https://rp.example/request.jwt",)}),
        (MANY, {"request_uris": ("http://rp.example/request.jwt",)}),
        (MANY, {"request_uris": ("file:///etc/passwd",)}),
        (MANY, {"request_uris": tuple(f"https://rp.example/{n}" for n in range(51))}),
        (Features(), {"authorization_signed_response_alg": "none"}),
        (Features(), {"authorization_encrypted_response_alg": "RSA1_5"}),
        (Features(), {"authorization_encrypted_response_enc": "A128GCM"}),
        (Features(), {"response_types": ("id_token",), "grant_types": ("implicit",)}),
        (MANY, {"response_types": ("id_token",)}),
        (MANY, {"response_types": ("code",), "grant_types": HYBRID}),
        (MANY, {"response_types": ("token",), "grant_types": ("implicit",)}),
        (MANY, {"response_types": ("token code",), "grant_types": HYBRID}),
        (
            MANY,
            {
                "response_types": ("code token",),
                "grant_types": HYBRID,
                "dpop_bound_access_tokens": True,
            },
        ),
        (
            MANY,
            {
                "profile": "fapi2",
                "dpop_bound_access_tokens": True,
                "response_types": ("code id_token",),
                "grant_types": HYBRID,
            },
        ),
        (
            Features(signed_answers=False),
            {"profile": "fapi2-message-signing", "dpop_bound_access_tokens": True},
        ),
    ],
)
def test_what_cannot_be_is_refused(features: Features, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidClientMetadata):
        judged(features, **changes)


@pytest.mark.parametrize(
    "features", [Features(response_types=("code", "id_token")), Features(pushed_requests=False)]
)
def test_an_issuer_under_fapi_cannot_offer_less(features: Features) -> None:
    with pytest.raises(ValueError, match=r"FAPI 2\.0"):
        Issuer(address="https://id.example", features=features)


def test_a_response_type_that_is_none_is_no_setting() -> None:
    with pytest.raises(ValueError, match="response types"):
        Issuer(
            address="https://id.example", profile="oidc", features=Features(response_types=("x",))
        )
