"""Claims of our tokens, made and read."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.errors import InvalidRequest, InvalidToken
from idp.protocol.tokens import (
    AccessToken,
    access_token_claims,
    id_token_claims,
    read_access_token,
    read_hint,
    session_identifier,
    userinfo_claims,
)
from tests.contracts.test_codes import AUTHORIZATION, NOW

ISSUER = AUTHORIZATION.issuer
TOKEN = AccessToken(
    issuer=ISSUER,
    audience=(ISSUER,),
    subject="s1",
    client_id="c1",
    grant_id="g1",
    scope=("openid", "email"),
    id="j1",
    issued_at=NOW,
    expires_at=NOW + 300,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def made(**changes: Any) -> dict[str, Any]:
    authorization = replace(AUTHORIZATION, **changes)
    claims = id_token_claims(authorization, {}, now=NOW, lifetime=300, fresh=True)
    decoded: dict[str, Any] = msgspec.json.decode(claims)
    return decoded


def test_an_access_token_is_read_as_it_was_made() -> None:
    several = replace(TOKEN, audience=(ISSUER, "https://api.example"))
    for token in (TOKEN, several):
        claims = msgspec.json.decode(access_token_claims(AUTHORIZATION, token))
        assert read_access_token(claims, ISSUER, NOW) == token
        assert read_access_token(claims, ISSUER, NOW + 299) == token
        with pytest.raises(InvalidToken):
            read_access_token(claims, ISSUER, NOW + 300)
        with pytest.raises(InvalidToken):
            read_access_token(claims, "https://other.example", NOW)


def test_what_lacks_a_claim_is_no_access_token() -> None:
    claims = msgspec.json.decode(access_token_claims(AUTHORIZATION, TOKEN))
    for name in ("iss", "sub", "aud", "client_id", "grant_id", "jti", "iat", "exp"):
        with pytest.raises(InvalidToken):
            read_access_token({k: v for k, v in claims.items() if k != name}, ISSUER, NOW)


@pytest.mark.behaviour(19)
@pytest.mark.parametrize("subject", ["", "x" * 256, "ü", "\u0661"])
def test_no_token_has_a_subject_that_clients_cannot_read(subject: str) -> None:
    with pytest.raises(ValueError, match="255"):
        made(subject=subject)
    with pytest.raises(ValueError, match="255"):
        access_token_claims(AUTHORIZATION, replace(TOKEN, subject=subject))
    with pytest.raises(ValueError, match="255"):
        userinfo_claims(replace(AUTHORIZATION, subject=subject), {}, signed=False)


@pytest.mark.behaviour(5)
@given(st.text())
def test_any_nonce_comes_back_byte_for_byte(nonce: str) -> None:
    if nonce.isprintable():
        assert made(nonce=nonce)["nonce"] == nonce


@pytest.mark.behaviour(20)
def test_what_is_not_known_is_left_out() -> None:
    claims = made(acr=None, amr=(), nonce=None, auth_time_asked=False)
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "sid"}


def test_nothing_about_the_person_takes_the_place_of_what_the_issuer_says() -> None:
    evil = {"iss": "x", "sub": "x", "aud": "x", "exp": 1, "nonce": "x"}
    claims = msgspec.json.decode(
        id_token_claims(AUTHORIZATION, evil, now=NOW, lifetime=300, fresh=True)
    )
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, "s1", "c1")
    assert (claims["exp"], claims["nonce"]) == (NOW + 300, "n")
    assert msgspec.json.decode(userinfo_claims(AUTHORIZATION, evil, signed=True))["sub"] == "s1"


@pytest.mark.attack("A40")
def test_two_clients_cannot_tell_that_a_session_is_the_same() -> None:
    assert session_identifier("s", "c1") == session_identifier("s", "c1")
    assert session_identifier("s", "c1") != session_identifier("s", "c2")
    assert session_identifier("s", "c1") != session_identifier("t", "c1")


def test_a_hint_may_have_expired_and_must_be_an_id_token_of_this_issuer() -> None:
    claims = made()
    hint = read_hint(claims, ISSUER)
    assert (hint.subject, hint.audience) == ("s1", ("c1",))
    assert hint.session == claims["sid"]
    assert read_hint(claims | {"aud": ["a", "b"]}, ISSUER).audience == ("a", "b")
    wrong: list[dict[str, Any]] = [
        claims | {"iss": "https://other.example"},
        claims | {"sub": 1},
        claims | {"aud": None},
        {k: v for k, v in claims.items() if k != "exp"},
        {},
    ]
    for each in wrong:
        with pytest.raises(InvalidRequest):
            read_hint(each, ISSUER)


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "scope", "exp", "iat"]), JSON))
def test_strange_claims_are_refused_and_make_no_fault(claims: dict[str, Any]) -> None:
    whole = msgspec.json.decode(access_token_claims(AUTHORIZATION, TOKEN))
    with_strange = whole | claims
    try:
        token = read_access_token(with_strange, ISSUER, NOW)
    except InvalidToken:
        pass
    else:
        assert token.issuer == ISSUER
