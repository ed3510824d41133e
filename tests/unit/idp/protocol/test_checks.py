"""The table of checks on an authorization request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.authorization import AuthorizationRequest, ReplyTo, VerifiedHint
from idp.protocol.case import Case
from idp.protocol.checks import authorization_request
from idp.protocol.claims_request import Asked
from idp.protocol.client import Client
from idp.protocol.errors import OAuthError
from idp.protocol.next_step import demanded_subjects
from idp.protocol.parameters import Parameters

CALLBACK = "https://rp.example/cb"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ISSUER = "https://id.example"


def client(**changes: Any) -> Client:
    values: dict[str, Any] = {
        "client_id": "c1",
        "issuer": ISSUER,
        "profile": "oidc",
        "names": {"": "A relying party"},
        "redirect_uris": (CALLBACK,),
        "token_endpoint_auth_method": "private_key_jwt",
        "sector": "rp.example",
        "scope": frozenset(("openid", "profile", "offline_access")),
        "grant_types": ("authorization_code", "refresh_token"),
    }
    return Client(**(values | changes))


def judged(
    by: Client | None = None, hint: VerifiedHint | None = None, **asked: str | None
) -> AuthorizationRequest:
    values = {
        "response_type": "code",
        "client_id": "c1",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | asked
    parameters = Parameters.parse((k, v) for k, v in values.items() if v is not None)
    registered = by or client()
    reply_to = ReplyTo.for_client(registered, parameters, ISSUER)
    return authorization_request(
        Case(asked=parameters, client=registered, reply_to=reply_to, hint=hint)
    )


def refusal(**asked: Any) -> str:
    with pytest.raises(OAuthError) as caught:
        judged(**asked)
    return caught.value.code


@pytest.mark.behaviour(2)
def test_unknown_parameters_and_order_do_not_matter() -> None:
    assert judged(extra="foobar", scope="profile openid").scope == ("profile", "openid")
    assert judged(scope="openid  profile openid").scope == ("openid", "profile")


@pytest.mark.behaviour(3)
def test_response_type() -> None:
    assert refusal(response_type=None) == "invalid_request"
    for other in ("token", "id_token", "code id_token", "code token", "none", "CODE"):
        assert refusal(response_type=other) == "unsupported_response_type"
    assert refusal(by=client(response_types=())) == "unauthorized_client"
    assert refusal(by=client(grant_types=())) == "unauthorized_client"


def test_response_mode() -> None:
    for mode in ("query", "fragment", "form_post"):
        assert judged(response_mode=mode).reply_to.mode == mode
    assert refusal(response_mode="web_message") == "invalid_request"
    only = client(response_modes=("query",))
    assert refusal(by=only, response_mode="fragment") == "invalid_request"


@pytest.mark.spec("RFC 6749 §3.3")
def test_scope_must_hold_openid_and_unknown_values_are_ignored() -> None:
    assert judged(scope="openid email unheard-of").scope == ("openid",)
    for wrong in (None, "profile", 'openid "', "openid \\", "openid \u00e9"):
        assert refusal(scope=wrong) == "invalid_scope"
    assert refusal(by=client(scope=frozenset(("profile",)))) == "invalid_scope"


@pytest.mark.behaviour(22)
def test_offline_access_needs_the_refresh_grant() -> None:
    assert judged(scope="openid offline_access").scope == ("openid", "offline_access")
    without = client(grant_types=("authorization_code",))
    assert judged(by=without, scope="openid offline_access").scope == ("openid",)


@pytest.mark.behaviour(14)
@pytest.mark.attack("A15")
def test_pkce_is_demanded_waived_or_welcome() -> None:
    none = {"code_challenge": None, "code_challenge_method": None}
    assert refusal(**none) == "invalid_request"
    waived = client(require_pkce=False)
    assert judged(by=waived, **none).code_challenge is None
    assert judged(by=waived).code_challenge == CHALLENGE
    public = client(require_pkce=False, token_endpoint_auth_method="none")
    assert refusal(by=public, **none) == "invalid_request"


@pytest.mark.attack("A15")
@pytest.mark.parametrize(
    "asked",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "A"},
        {"code_challenge": CHALLENGE[:-1] + "="},
        {"code_challenge": CHALLENGE[:-1] + "\n"},
        {"code_challenge": None},
    ],
)
@pytest.mark.parametrize("demanded", [True, False])
def test_a_wrong_challenge_is_never_let_pass(asked: dict[str, Any], demanded: bool) -> None:
    assert refusal(by=client(require_pkce=demanded), **asked) == "invalid_request"


@pytest.mark.behaviour(13)
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_request_objects_are_refused_and_never_ignored(name: str, error: str) -> None:
    assert refusal(**{name: "eyJhbGciOiJub25lIn0.e30."}) == error


@pytest.mark.behaviour(6)
def test_prompt() -> None:
    assert judged(prompt="none").is_silent
    assert judged(prompt="login consent").prompt == {"login", "consent"}
    assert judged().prompt == frozenset()
    for wrong in ("none login", "consent none", "none none login", "create", "NONE"):
        assert refusal(prompt=wrong) == "invalid_request"
    assert judged(prompt="none none").is_silent


@pytest.mark.behaviour(7)
def test_max_age_and_auth_time() -> None:
    assert judged(max_age="0").max_age == 0
    assert judged(max_age="10000").auth_time_asked
    assert not judged().auth_time_asked
    assert judged(by=client(require_auth_time=True)).auth_time_asked
    assert judged(by=client(default_max_age=60)).max_age == 60
    assert judged(by=client(default_max_age=60), max_age="5").max_age == 5
    assert judged(claims='{"id_token":{"auth_time":null}}').auth_time_asked
    for wrong in ("-1", "1.5", "1e3", " 1", "+1", "\u0661", "9" * 11, "x"):
        assert refusal(max_age=wrong) == "invalid_request"


@pytest.mark.behaviour(9)
@pytest.mark.behaviour(10)
@given(st.text(max_size=50).filter(lambda text: "\0" not in text))
def test_wishes_are_never_an_error(text: str) -> None:
    request = judged(
        display=text,
        ui_locales=text,
        claims_locales=text,
        acr_values=text,
        login_hint=text,
    )
    assert request.display in ("page", "popup", "touch", "wap")
    assert request.login_hint == (text or None)


@pytest.mark.behaviour(9)
def test_wishes_are_kept_in_their_order() -> None:
    request = judged(ui_locales="se fr-CA en", claims_locales="ar", acr_values="b a", display="wap")
    assert request.ui_locales == ("se", "fr-CA", "en")
    assert request.claims_locales == ("ar",)
    assert request.acr_values == ("b", "a")
    assert request.display == "wap"
    assert judged(by=client(default_acr_values=("d",))).acr_values == ("d",)


@pytest.mark.behaviour(8)
def test_a_hint_must_be_of_this_client() -> None:
    mine = VerifiedHint(subject="s", audience=("c1",), session=None)
    other = VerifiedHint(subject="s", audience=("c2",), session=None)
    request = judged(hint=mine)
    assert request.hinted_subject == "s"
    assert demanded_subjects(request) == frozenset("s")
    assert refusal(hint=other) == "invalid_request"


@pytest.mark.behaviour(11)
def test_a_subject_asked_for_in_claims_is_the_only_one_accepted() -> None:
    for member in ("id_token", "userinfo"):
        one = judged(claims=f'{{"{member}":{{"sub":{{"value":"s"}}}}}}')
        assert demanded_subjects(one) == frozenset("s")
        several = judged(claims=f'{{"{member}":{{"sub":{{"values":["s","t"]}}}}}}')
        assert demanded_subjects(several) == frozenset("st")
    assert demanded_subjects(judged(claims='{"id_token":{"sub":null}}')) is None


@pytest.mark.behaviour(11)
def test_claims_are_read() -> None:
    request = judged(claims='{"userinfo":{"name":{"essential":true},"x":null},"other":7}')
    assert request.claims.userinfo == {"name": Asked(essential=True), "x": Asked()}
    assert refusal(claims="{") == "invalid_request"


@pytest.mark.behaviour(5)
def test_state_and_nonce_come_back_intact_or_not_at_all() -> None:
    long = "x" * 4096
    request = judged(nonce=long, state=long)
    assert request.nonce == long
    assert request.reply_to.state == long
    assert judged().nonce is None
    for name in ("state", "nonce"):
        assert refusal(**{name: long + "x"}) == "invalid_request"
