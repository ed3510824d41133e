"""What a DPoP proof must say, and which addresses are the same (RFC 9449 §4.3)."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.dpop import (
    AHEAD,
    LONGEST_ADDRESS,
    LONGEST_ID,
    OLDEST,
    Expected,
    Proof,
    hash_of,
    is_thumbprint,
    judge,
    same_address,
)
from idp.protocol.errors import InvalidDpopProof, InvalidRequest
from idp.protocol.presented_token import PresentedToken, Scheme, presented_token

NOW = 1_800_000_000
ADDRESS = "https://id.example/a/token"
ASKED = Expected(method="POST", address=ADDRESS, now=NOW)
GOOD: dict[str, Any] = {"jti": "x", "htm": "POST", "htu": ADDRESS, "iat": NOW}


def taken(claims: dict[str, Any], expected: Expected = ASKED) -> bool:
    try:
        judge(claims, expected)
    except InvalidDpopProof:
        return False
    return True


def test_a_good_proof_says_how_long_it_must_be_remembered() -> None:
    assert judge(GOOD | {"nonce": "n"}, ASKED) == Proof(
        id="x", usable_since=NOW - AHEAD, expires_at=NOW + OLDEST + 1, nonce="n"
    )
    last = replace(ASKED, now=NOW + OLDEST)
    assert judge(GOOD, last).expires_at > last.now


@pytest.mark.behaviour(41)
def test_the_window_of_a_proof() -> None:
    for ago in (-OLDEST, -10, 0, 10, AHEAD):
        assert taken(GOOD | {"iat": NOW + ago})
        assert taken(GOOD | {"iat": float(NOW + ago)})
    for ago in (-3600, -OLDEST - 1, AHEAD + 1, 3600):
        assert not taken(GOOD | {"iat": NOW + ago})
    for never in (None, True, str(NOW), [NOW], {}, 1e300, -(10**400)):
        assert not taken(GOOD | {"iat": never})


@pytest.mark.behaviour(42)
@pytest.mark.parametrize("name", GOOD)
def test_each_claim_is_needed(name: str) -> None:
    assert taken(GOOD)
    assert not taken({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.behaviour(42)
def test_the_identifier_is_bounded() -> None:
    assert taken(GOOD | {"jti": "x" * LONGEST_ID})
    for wrong in ("", "x" * (LONGEST_ID + 1), 1, None, ["x"]):
        assert not taken(GOOD | {"jti": wrong})


@pytest.mark.behaviour(42)
@pytest.mark.spec("RFC 9449 §4.2")
def test_the_hash_of_the_token_is_needed_at_resources_only() -> None:
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    resource = replace(ASKED, access_token=token)
    assert hash_of(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"  # §7.1
    assert taken(GOOD | {"ath": hash_of(token)}, resource)
    for wrong in (None, "", hash_of(token + "x"), 1, [hash_of(token)]):
        assert not taken(GOOD | {"ath": wrong}, resource)
    assert taken(GOOD | {"ath": "whatever"})


@pytest.mark.behaviour(42)
@pytest.mark.spec("RFC 9449 §4.3")
@pytest.mark.parametrize(
    "same",
    [
        ADDRESS,
        ADDRESS + "?a=b",
        ADDRESS + "?",
        ADDRESS + "#c",
        ADDRESS + "?a=b#c",
        "HTTPS://ID.EXAMPLE/a/token",
        "https://id.example:443/a/token",
        "https://id.example:/a/token",
        "https://id.example/a/./token",
        "https://id.example/b/../a/token",
        "https://id.example/../a/token",
        "https://id.example/a/%74oken",
    ],
)
def test_the_same_address_in_other_words(same: str) -> None:
    assert same_address(same, ADDRESS)


@pytest.mark.behaviour(42)
@pytest.mark.parametrize(
    "other",
    [
        ADDRESS + "/",
        "https://id.example/A/token",
        "https://id.example/a//token",
        "https://id.example/token",
        "https://id.example/a%2Ftoken",
        "http://id.example/a/token",
        "https://id.example:8443/a/token",
        "https://id.example:0/a/token",
        "https://id.example:99999/a/token",
        "https://id.example.evil.example/a/token",
        "https://evil.example/a/token",
        "https://evil.example#https://id.example/a/token",
        "https://id.example@evil.example/a/token",
        "https://someone@id.example/a/token",
        "https://id.example/a/to\tken",
        "https://id.example/a/token\n",
        " https://id.example/a/token",
        "https:\\\\id.example/a/token",
        "https://[::1/a/token",
        "//id.example/a/token",
        "/a/token",
        "",
        "?",
        ADDRESS + "?" + "x" * LONGEST_ADDRESS,
        None,
        1,
        [ADDRESS],
        {"htu": ADDRESS},
    ],
)
def test_other_addresses(other: object) -> None:
    assert not same_address(other, ADDRESS)


@pytest.mark.spec("RFC 3986 §6.2.3")
def test_the_root_and_other_ports() -> None:
    assert same_address("https://id.example", "https://id.example/")
    assert same_address("http://127.0.0.1:80/x", "http://127.0.0.1/x")
    assert same_address("http://[::1]:8080/x?y", "http://[::1]:8080/x")
    assert not same_address("http://127.0.0.1:443/x", "http://127.0.0.1/x")


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_not(text: str) -> None:
    assert not same_address(text, ADDRESS)
    assert same_address(f"{ADDRESS}?{quote(text)}#{quote(text)}", ADDRESS)
    assert not same_address(f"{ADDRESS}{quote(text)}-", ADDRESS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce"]), JSON))
def test_whatever_a_proof_says_is_judged(claims: dict[str, Any]) -> None:
    assert not taken(claims, replace(ASKED, access_token="t"))
    taken(GOOD | claims)


def test_a_thumbprint_is_43_characters_of_base64url() -> None:
    assert is_thumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
    for wrong in ("", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 43 + "\n", "x" * 42 + "é"):
        assert not is_thumbprint(wrong)


@pytest.mark.behaviour(39)
@given(st.sampled_from(["DPoP", "dpop", "DPOP", "dPoP"]))
def test_the_scheme_has_no_case(scheme: str) -> None:
    assert presented_token(f"{scheme}  abc ", None) == PresentedToken(Scheme.DPOP, "abc")


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_any_header_is_a_token_or_is_refused(header: str, in_form: str | None) -> None:
    try:
        found = presented_token(header, in_form)
    except InvalidRequest:
        return
    assert found is None or (in_form is None and found.token in header)
