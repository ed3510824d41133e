"""Proof Key for Code Exchange."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.errors import InvalidGrant
from idp.protocol.pkce import check_challenge, check_verifier

VERIFIER = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=43, max_size=128
)


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.spec("RFC 7636 Appendix B")
def test_the_published_example() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    check_verifier(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@given(VERIFIER)
def test_every_verifier_meets_its_challenge(verifier: str) -> None:
    check_challenge(challenge(verifier), "S256")
    check_verifier(verifier, challenge(verifier))


@given(VERIFIER, st.text() | st.none())
def test_nothing_else_does(verifier: str, other: str | None) -> None:
    if other != verifier:
        with pytest.raises(InvalidGrant):
            check_verifier(other, challenge(verifier))


@pytest.mark.attack("A15")
@given(VERIFIER)
def test_the_challenge_itself_is_no_verifier(verifier: str) -> None:
    with pytest.raises(InvalidGrant):
        check_verifier(challenge(verifier), challenge(verifier))


def test_where_there_was_no_challenge_there_is_no_verifier() -> None:
    check_verifier(None, None)
    with pytest.raises(InvalidGrant):
        check_verifier("x" * 43, None)
