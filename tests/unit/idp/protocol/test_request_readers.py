"""What reads requests from outside: anything but an OAuthError would be our own fault."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import jar, jarm, par
from idp.protocol.authorization import SIGNED_MODES, Reply, ReplyTo, delivery
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequest, InvalidRequestUri, OAuthError
from idp.protocol.jar import ObjectCase
from idp.protocol.parameters import Parameters
from idp.protocol.response_types import RESPONSE_TYPES, canonical, grants_of, words

NOW = 1_800_000_000
ISSUER = "https://id.example"
CLIENT = Client(
    client_id="c",
    issuer=ISSUER,
    names={"": "C"},
    redirect_uris=("https://rp.example/cb",),
    token_endpoint_auth_method="private_key_jwt",
    sector="rp.example",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(("iss", "aud", "exp", "nbf", "iat", "jti", "sub", "client_id", "scope")) | (
    st.sampled_from(("resource", "claims", "state", "request", "request_uri", "max_age"))
)
GOOD: dict[str, Any] = {"iss": "c", "client_id": "c", "aud": ISSUER, "nbf": NOW, "exp": NOW + 60}


def case(claims: dict[str, Any], *, strict: bool) -> ObjectCase:
    return ObjectCase(claims=claims, client=CLIENT, issuer=ISSUER, now=NOW, strict=strict)


@given(st.dictionaries(NAMES | st.text(max_size=9), JSON, max_size=8), st.booleans())
def test_claims_make_parameters_or_a_refusal(claims: dict[str, Any], strict: bool) -> None:
    try:
        asked = jar.judge(case(claims, strict=strict))
    except OAuthError:
        return
    assert all(type(value) is str and value for value in asked.values())
    assert not asked.keys() & {"iss", "aud", "exp", "nbf", "iat", "jti", "sub", "request"}


@given(st.dictionaries(NAMES, JSON, max_size=3))
def test_what_is_changed_in_a_good_object_is_judged(changes: dict[str, Any]) -> None:
    try:
        jar.judge(case(GOOD | changes, strict=True))
    except OAuthError:
        return
    whole = GOOD | changes
    assert whole["client_id"] == "c" and whole.get("iss", "c") == "c"
    assert ISSUER in (whole["aud"] if isinstance(whole["aud"], list) else [whole["aud"]])
    assert whole["exp"] > NOW - jar.SKEW and whole["exp"] - whole["nbf"] <= jar.LONGEST


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=20)))
def test_texts_come_through_as_they_were(asked: dict[str, str]) -> None:
    kept = {name: value for name, value in asked.items() if "\0" not in value}
    kept = {name: value for name, value in kept.items() if name not in ("resource", "audience")}
    read = jar.parameters_of({**GOOD, **kept})
    about = {"iss", "aud", "exp", "nbf", "iat", "jti", "sub"}
    assert {name: read[name] for name in kept if name not in about} == {
        name: value for name, value in kept.items() if name not in about
    }


def test_objects_lists_and_numbers_are_read_as_a_form_would_hold_them() -> None:
    claims = {"claims": {"userinfo": {"name": None}}, "max_age": 60}
    read = jar.parameters_of(claims | {"resource": ["https://a.example", "https://b.example"]})
    assert json.loads(read["claims"]) == claims["claims"]
    assert read["max_age"] == "60"
    assert read.words("resource") == ("https://a.example", "https://b.example")


@given(st.text(max_size=80))
def test_a_reference_is_one_of_ours_or_refused(text: str) -> None:
    try:
        secret = par.secret_of(text)
    except InvalidRequestUri:
        return
    assert len(secret) == 43 and secret.isascii()


@given(st.text(max_size=30), st.text(max_size=30))
def test_answers_travel_safely_whatever_is_asked(response_type: str, mode: str) -> None:
    asked = Parameters(response_type=response_type, response_mode=mode)
    asked["redirect_uri"] = "https://rp.example/cb"
    reply_to = ReplyTo.for_client(CLIENT, asked, ISSUER)
    assert reply_to.mode in CLIENT.response_modes
    assert reply_to.signed is (delivery(asked).signed)


@pytest.mark.parametrize("response_type", [*RESPONSE_TYPES, "token id_token", "id_token code"])
@pytest.mark.parametrize("mode", ["", "query", "fragment", "form_post", *SIGNED_MODES])
def test_a_token_never_stands_in_a_query(response_type: str, mode: str) -> None:
    asked = Parameters(response_type=response_type, redirect_uri="https://rp.example/cb")
    if mode:
        asked["response_mode"] = mode
    reply_to = ReplyTo.for_client(CLIENT, asked, ISSUER)
    if canonical(response_type) != "code":
        assert reply_to.mode != "query"


def test_an_address_that_is_not_registered_makes_no_reply() -> None:
    with pytest.raises(InvalidRequest):
        ReplyTo.for_client(CLIENT, Parameters(redirect_uri="https://rp.example/cb?"), ISSUER)


@given(st.text(max_size=40))
def test_response_types_have_one_spelling(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert words(once) - {""} == set(text.split(" ")) - {""}


def test_grants_belong_to_response_types() -> None:
    assert grants_of("code") == {"authorization_code"}
    assert grants_of("id_token token") == {"implicit"}
    assert grants_of("code id_token") == {"authorization_code", "implicit"}


@given(st.dictionaries(st.sampled_from(("code", "state", "error")), st.text(max_size=30)))
def test_a_signed_answer_says_what_the_plain_one_would(fields: dict[str, str]) -> None:
    reply = Reply(uri="https://rp.example/cb", mode="query", fields=tuple(fields.items()))
    told = json.loads(jarm.claims(reply, CLIENT, ISSUER, NOW))
    assert told == {**fields, "iss": ISSUER, "aud": "c", "exp": NOW + 600}


def test_answers_are_signed_as_registered_else_with_what_the_profile_allows() -> None:
    algs = ("RS256", "PS256", "ES256")
    assert jarm.signing_alg(CLIENT, algs) == "PS256", "FAPI"
    assert jarm.signing_alg(replace(CLIENT, profile="oidc"), algs) == "RS256"
    registered = replace(CLIENT, authorization_signed_response_alg="ES256")
    assert jarm.signing_alg(registered, algs) == "ES256"
