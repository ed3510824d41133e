"""What a backchannel request may say (OpenID Connect CIBA Core 1.0, FAPI-CIBA)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import ciba
from idp.protocol.ciba import BackchannelCase
from idp.protocol.errors import InvalidClientMetadata, OAuthError
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES
from tests.backchannel import BANK

NOW = 1_800_000_000
ISSUER = "https://id.example"
CLAIMS = {
    "iss": "bank",
    "aud": ISSUER,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 300,
    "jti": "j-1",
    "scope": "openid",
    "login_hint": "4821009637",
}
PING = replace(
    BANK,
    backchannel_token_delivery_mode=ciba.PING,
    backchannel_client_notification_endpoint="https://bank.example/ciba",
)


def refused(asked: dict[str, str], client: Any = BANK, signed: bool = False) -> str:
    """Return the code and description of what a request is refused for, "" when it is not."""
    usual = {"scope": "openid", "login_hint": "4821009637"}
    case = BackchannelCase(asked=Parameters({**usual, **asked}), client=client, signed=signed)
    try:
        ciba.check(case)
    except OAuthError as refusal:
        return f"{refusal.code}: {refusal.description}"
    return ""


def judged(**claims: Any) -> str:
    """Return the code that a request object is refused with, "" when it is accepted."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    try:
        ciba.judge_object(said, BANK, ISSUER, NOW)
    except OAuthError as refusal:
        return refusal.code
    return ""


@pytest.mark.behaviour(51)
@pytest.mark.parametrize("name", ["aud", "iss", "exp", "iat", "nbf", "jti"])
def test_an_object_has_all_of_its_claims(name: str) -> None:
    assert judged(**{name: None}) == "invalid_request"


@pytest.mark.behaviour(51)
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"aud": ["https://other.example"]},
        {"aud": 7},
        {"iss": "shop"},
        {"client_id": "shop"},
        {"sub": "bank"},
        {"request": "x"},
        {"exp": NOW - 31},
        {"exp": NOW + 4200},
        {"nbf": NOW + 600},
        {"nbf": NOW - 4200, "exp": NOW - 700 + 900},
        {"iat": NOW + 600},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * 513},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": float("inf")},
        {"iat": -1},
    ],
)
def test_an_object_for_others_or_other_times_is_refused(claims: dict[str, Any]) -> None:
    assert judged(**claims) == "invalid_request"


@pytest.mark.behaviour(51)
def test_an_object_in_time_is_accepted() -> None:
    assert judged() == ""
    assert judged(aud=["https://other.example", ISSUER]) == ""
    assert judged(nbf=NOW + 8, iat=NOW + 8, exp=NOW + 3600) == ""
    assert judged(nbf=NOW - 3500, exp=NOW + 10) == ""
    assert judged(client_id="bank", exp=NOW + 60.5) == ""


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("wish", ["30", 30])
def test_a_wished_expiry_is_a_string_or_a_number(wish: Any) -> None:
    asked = ciba.judge_object({**CLAIMS, "requested_expiry": wish}, BANK, ISSUER, NOW)
    assert refused({"requested_expiry": asked["requested_expiry"]}) == ""
    assert ciba.lifetime_of(asked, 300, 900) == 30


@pytest.mark.behaviour(52)
@pytest.mark.parametrize("wish", ["0", "-1", "1.5", "soon", "1e3", "٣", "9" * 10])
def test_a_wished_expiry_is_positive(wish: str) -> None:
    assert refused({"requested_expiry": wish}).startswith("invalid_request")


def test_a_list_of_resources_is_asked_as_in_a_form() -> None:
    resources = ["https://a.example", "https://b.example"]
    asked = ciba.judge_object({**CLAIMS, "resource": resources}, BANK, ISSUER, NOW)
    assert asked.words("resource") == tuple(resources)


def test_nobody_waits_longer_than_is_allowed() -> None:
    assert ciba.lifetime_of(Parameters({"requested_expiry": "999999999"}), 300, 900) == 900
    assert ciba.lifetime_of(Parameters(), 300, 900) == 300


@pytest.mark.behaviour(52)
@pytest.mark.parametrize(
    "message", ["1234", "Überweisung 12 €", "ما هو", "कोड 12", "👍", "x" * 100]
)
def test_a_binding_message_that_can_be_shown(message: str) -> None:
    assert refused({"binding_message": message}) == ""


@pytest.mark.behaviour(52)
@pytest.mark.parametrize(
    "message",
    ["x" * 101, "two\nlines", "a  b", " a", "a ", "\u202eevil", "a\u200db", "a\u00a0b", "\x07"],
)
def test_a_binding_message_that_would_be_shown_differently(message: str) -> None:
    assert refused({"binding_message": message}).startswith("invalid_binding_message")


@given(st.text(max_size=120))
def test_a_message_is_shown_as_it_is_or_refused(message: str) -> None:
    if not refused({"binding_message": message}):
        assert message.isprintable() and " ".join(message.split()) == message


@pytest.mark.behaviour(51)
@pytest.mark.parametrize(
    "hints",
    [
        {"login_hint": ""},
        {"id_token_hint": "x"},
        {"login_hint_token": "x"},
        {"login_hint": "", "login_hint_token": "x"},
        {"login_hint": "1" * 257},
    ],
)
def test_exactly_one_hint(hints: dict[str, str]) -> None:
    usual = {"login_hint": "1"}
    given_hints = {name: value for name, value in {**usual, **hints}.items() if value}
    case = BackchannelCase(
        asked=Parameters({"scope": "openid", **given_hints}), client=BANK, signed=False
    )
    with pytest.raises(OAuthError) as refusal:
        ciba.check(case)
    assert refusal.value.code == "invalid_request"


@pytest.mark.behaviour(51)
def test_who_must_sign() -> None:
    fapi = replace(BANK, profile="fapi2")
    signs = replace(BANK, backchannel_authentication_request_signing_alg="ES256")
    for client in (fapi, signs):
        assert "must be signed" in refused({}, client)
        assert refused({}, client, signed=True) == ""
    assert refused({}) == ""


@pytest.mark.behaviour(54)
@pytest.mark.parametrize("token", ["", "a b", "ü", "x" * 1025, "a=b"])
def test_a_notification_token_is_a_bearer_token(token: str) -> None:
    asked = {"client_notification_token": token} if token else {}
    assert refused(asked, PING).startswith("invalid_request")


def test_who_polls_needs_no_notification_token() -> None:
    assert refused({"client_notification_token": "a b"}) == ""
    assert (
        refused({"client_notification_token": "8d67dc78-7faa-4d41-aabd-67707b374255"}, PING) == ""
    )


@pytest.mark.behaviour(55)
def test_a_client_that_registered_user_codes_sends_one() -> None:
    client = replace(BANK, backchannel_user_code_parameter=True)
    assert refused({}, client).startswith("missing_user_code")
    assert refused({"user_code": "1234"}, client) == ""


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Mango 7", "mango7"),
        (" 1234 ", "1234"),
        ("STRASSE", "strasse"),
        ("123", None),
        ("x" * 33, None),
        ("", None),
        ("ab\u200bcd", None),
    ],
)
def test_user_codes_as_people_say_them(typed: str, code: str | None) -> None:
    assert ciba.user_code(typed) == code


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*sorted(ciba.PARAMETERS), *CLAIMS, "x"]), VALUES))
def test_no_object_is_an_error_of_ours(claims: dict[str, Any]) -> None:
    try:
        asked = ciba.judge_object({**CLAIMS, **claims}, BANK, ISSUER, NOW)
        ciba.check(BackchannelCase(asked=asked, client=PING, signed=True))
    except OAuthError:
        pass


@pytest.mark.spec("CIBA §4")
@pytest.mark.parametrize(
    "changes",
    [
        {"backchannel_token_delivery_mode": None},
        {"grant_types": ("authorization_code",)},
        {"backchannel_token_delivery_mode": "pull"},
        {"token_endpoint_auth_method": "none"},
        {"backchannel_token_delivery_mode": "ping"},
        {"backchannel_client_notification_endpoint": "https://bank.example/x"},
        {"backchannel_authentication_request_signing_alg": "none"},
        {"backchannel_authentication_request_signing_alg": "HS256"},
        {"backchannel_authentication_request_signing_alg": "RS256", "profile": "fapi2"},
        {"backchannel_authentication_request_signing_alg": "ES256", "jwks": None},
        {"profile": "fapi2", "jwks": None},
    ],
)
def test_registrations_that_do_not_fit(changes: dict[str, Any]) -> None:
    ciba.check_registration(BANK, ciba.MODES)
    with pytest.raises(InvalidClientMetadata):
        ciba.check_registration(replace(BANK, **changes), ciba.MODES)


@pytest.mark.spec("FAPI-CIBA §5.2.2")
def test_bound_tokens_are_never_pushed() -> None:
    push = replace(PING, backchannel_token_delivery_mode=ciba.PUSH)
    ciba.check_registration(push, ciba.MODES)
    for changes in ({"profile": "fapi2"}, {"dpop_bound_access_tokens": True}):
        with pytest.raises(InvalidClientMetadata):
            ciba.check_registration(replace(push, **changes), ciba.MODES)
    with pytest.raises(InvalidClientMetadata):
        ciba.check_registration(push, ("poll", "ping"))
    fapi = ciba.metadata(ISSUER, ciba.MODES, PROFILES["fapi2"])
    assert fapi["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    algs = fapi["backchannel_authentication_request_signing_alg_values_supported"]
    assert algs == ["ES256", "PS256", "EdDSA"]
