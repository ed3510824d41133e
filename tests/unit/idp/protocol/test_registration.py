"""Which registrations are accepted."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from config.settings import Issuer
from config.settings.features import Features
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.registration import Possible, check
from idp.protocol.sector import addresses_of, sector_listed, sector_of
from tests.unit.idp.protocol.test_checks import client

POSSIBLE = Possible(
    Issuer(address="https://id.example", profile="oidc", algorithms=("ES256",)),
    frozenset(("ES256",)),
    frozenset(("ECDH-ES",)),
    frozenset(("A128GCM",)),
)
JWKS = b'{"keys":[]}'
GOOD = client(jwks=JWKS)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"token_endpoint_auth_method": "none", "jwks": None},
        {"jwks": None, "jwks_uri": "https://rp.example/jwks"},
        {"token_endpoint_auth_signing_alg": "ES256"},
        {"userinfo_signed_response_alg": "ES256"},
        {"id_token_encrypted_response_alg": "ECDH-ES"},
        {
            "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": "A128GCM",
        },
        {"sector": "", "subject_type": "public"},
        {"names": {"": "x", "ar": "اسم"}, "purposes": {"": "To open an account"}},
        {"logo_uri": "https://rp.example/logo.png"},
        {"response_modes": ("form_post",)},
        {"grant_types": DEVICE, "response_types": (), "redirect_uris": ()},
    ],
)
def test_what_is_sound_is_accepted(changes: dict[str, Any]) -> None:
    check(replace(GOOD, **changes), POSSIBLE)


@pytest.mark.behaviour(20)
@pytest.mark.attack("A25")
@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"jwks": None},
        {"jwks_uri": "https://rp.example/jwks"},
        {"jwks": None, "jwks_uri": "http://rp.example/jwks"},
        {"token_endpoint_auth_signing_alg": "none"},
        {"token_endpoint_auth_signing_alg": "HS256"},
        {
            "token_endpoint_auth_method": "client_secret_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
        },
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "RS256"},
        {"userinfo_signed_response_alg": "HS256"},
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_alg": "dir"},
        {"id_token_encrypted_response_enc": "A128GCM"},
        {
            "userinfo_encrypted_response_alg": "ECDH-ES",
            "userinfo_encrypted_response_enc": "A128CBC-HS256",
        },
        {
            "token_endpoint_auth_method": "none",
            "jwks": None,
            "userinfo_encrypted_response_alg": "ECDH-ES",
        },
        {"grant_types": ("refresh_token",), "response_types": ()},
        {"grant_types": (*DEVICE, "password"), "response_types": ()},
        {"grant_types": DEVICE},
        {"response_types": ()},
        {"sector": ""},
        {"subject_type": "other"},
        {"names": {}},
        {"names": {"": ""}},
        {"names": {"": "x" * 201}},
        {"names": {"": "a\u202eb"}},
        {"names": {"": "x"}, "purposes": {"": "a\nb"}},
        {"logo_uri": "javascript:alert(1)"},
        {"policy_uri": "JavaScript:alert(1)"},
        {"tos_uri": "data:text/html,x"},
        {"logo_uri": "http://rp.example/logo.png"},
        {"scope": frozenset(("email",))},
        {"scope": frozenset(("openid", "admin"))},
        {"grant_types": ("refresh_token",)},
        {"grant_types": ("authorization_code", "implicit")},
        {"response_types": ("token",)},
        {"response_modes": ()},
        {"response_modes": ("web_message",)},
        {"application_type": "other"},
    ],
)
def test_what_is_unsound_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidClientMetadata):
        check(replace(GOOD, **changes), POSSIBLE)


@pytest.mark.attack("A8")
def test_every_address_that_we_redirect_to_is_judged() -> None:
    unsafe: list[Client] = [
        replace(GOOD, redirect_uris=()),
        replace(GOOD, redirect_uris=("https://rp.example/cb", "http://rp.example/cb")),
        replace(GOOD, redirect_uris=tuple(f"https://rp.example/{n}" for n in range(51))),
        replace(GOOD, post_logout_redirect_uris=("javascript:alert(1)",)),
    ]
    for each in unsafe:
        with pytest.raises(InvalidRedirectUri):
            check(each, POSSIBLE)


@pytest.mark.spec("OpenID Connect Core 1.0 §8.1")
def test_pairwise_subjects_need_one_sector() -> None:
    one = replace(GOOD, redirect_uris=("https://a.example/1", "https://a.example/2"))
    assert sector_of(one) == "a.example"
    several = ("https://a.example/1", "https://b.example/2")
    assert sector_of(replace(GOOD, redirect_uris=several)) == ""
    address = "https://sector.example/list.json"
    assert sector_listed([*several, "x"], address, several) == "sector.example"
    for document in ([several[0]], {}, None, [1], [list(several)]):
        with pytest.raises(InvalidClientMetadata):
            sector_listed(document, address, several)
    with pytest.raises(InvalidClientMetadata):
        sector_listed(list(several), "http://sector.example/list.json", several)


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 §4")
def test_a_list_names_the_keys_or_the_endpoint_of_a_client_of_ciba() -> None:
    poll = replace(GOOD, backchannel_token_delivery_mode="poll", jwks_uri="https://a.example/keys")
    assert addresses_of(poll) == (*GOOD.redirect_uris, "https://a.example/keys")
    push = replace(
        poll,
        redirect_uris=(),
        backchannel_token_delivery_mode="push",
        backchannel_client_notification_endpoint="https://a.example/ciba",
    )
    assert addresses_of(push) == ("https://a.example/ciba",)
    assert sector_of(push) == "a.example"
    with pytest.raises(InvalidClientMetadata):
        sector_listed([], "https://sector.example/list.json", ())


@pytest.mark.spec("OpenID Connect CIBA Core 1.0 §4")
def test_a_client_without_redirect_uris_is_a_sector_of_its_own() -> None:
    device = replace(GOOD, grant_types=DEVICE, response_types=(), redirect_uris=())
    assert sector_of(device) == "client:c1"
    published = replace(device, jwks=None, jwks_uri="https://tv.example/jwks")
    assert sector_of(published) == "tv.example"
    with pytest.raises(InvalidClientMetadata):
        sector_of(replace(published, jwks_uri="http://tv.example/jwks"))


@pytest.mark.spec("OpenID Connect Native SSO 1.0")
def test_apps_of_one_maker_register_as_a_group_where_that_is_offered() -> None:
    app = replace(
        GOOD,
        token_endpoint_auth_method="none",
        jwks=None,
        application_type="native",
        redirect_uris=("com.example.maps:/cb",),
        grant_types=("authorization_code", EXCHANGE),
        scope=frozenset(("openid", "device_sso")),
        sso_group="example",
    )
    offered = structs.replace(POSSIBLE.issuer, features=Features(native_sso=True))
    check(app, replace(POSSIBLE, issuer=offered))
    for changes in ({"sso_group": ""}, {"sso_group": "a b"}, {"sso_group": "x" * 65}):
        with pytest.raises(InvalidClientMetadata):
            check(replace(app, **changes), replace(POSSIBLE, issuer=offered))
    with pytest.raises(InvalidClientMetadata):
        check(app, POSSIBLE)
