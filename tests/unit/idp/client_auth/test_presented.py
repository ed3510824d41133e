"""Reading a client's credentials: whatever comes is read or refused, and never guessed at."""

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.client_auth.method import ASSERTION_TYPE, Carrier
from idp.client_auth.presented import read
from idp.protocol.carried import Carried
from idp.protocol.errors import OAuthError
from idp.protocol.parameters import Parameters

TEXT = st.text(min_size=1).filter(lambda text: "\0" not in text)


def basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


def carrying(authorization: str | None) -> Carried:
    return Carried(method="POST", address="https://id.example/token", authorization=authorization)


@pytest.mark.attack("A19")
@given(TEXT, TEXT)
def test_what_a_client_encodes_is_what_is_read(client_id: str, secret: str) -> None:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    presented = read(Parameters(), carrying(basic(pair)))
    assert (presented.carrier, presented.client_id, presented.secret) == (
        Carrier.BASIC,
        client_id,
        secret,
    )


@given(st.binary())
def test_any_basic_credentials_are_read_or_refused(pair: bytes) -> None:
    try:
        presented = read(Parameters(), carrying(basic(pair)))
    except OAuthError as refusal:
        assert refusal.code == "invalid_client"
    else:
        assert "\0" not in presented.client_id + presented.secret


@given(st.text(), st.dictionaries(st.sampled_from(["client_id", "client_secret"]), TEXT))
def test_any_header_beside_any_form_is_read_or_refused(header: str, form: dict[str, str]) -> None:
    with pytest.raises(OAuthError):
        read(Parameters(form), carrying(header))


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"))
def test_any_assertion_is_read_or_refused(token: str) -> None:
    asked = Parameters(client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    with pytest.raises(OAuthError):
        read(asked, carrying(None))


def test_one_kind_alone_says_who_and_how() -> None:
    assert read(Parameters(client_id="c"), carrying(None)).carrier is Carrier.NONE
    post = read(Parameters(client_id="c", client_secret="s"), carrying(None))
    assert (post.carrier, post.secret) == (Carrier.POST, "s")
    for incomplete in ({}, {"client_secret": "s"}, {"client_assertion_type": ASSERTION_TYPE}):
        with pytest.raises(OAuthError):
            read(Parameters(incomplete), carrying(None))
