"""What a client is told of a refusal is text that every client can read, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import errors
from idp.protocol.errors import InvalidRequest, OAuthError

CODES = [kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")]


@pytest.mark.behaviour(15)
@pytest.mark.spec("RFC 6749 §4.1.2.1")
@given(st.text())
def test_a_description_is_printable_ascii_without_quotes(text: str) -> None:
    told = InvalidRequest(text).description
    assert len(told) == len(text)
    assert all(" " <= character <= "~" and character not in '"\\' for character in told)


@pytest.mark.behaviour(15)
@pytest.mark.spec("RFC 6749 §4.1.2.1")
def test_each_refusal_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in CODES]
    assert len(set(codes)) == len(codes) > 15
    assert all(code.isascii() and code.replace("_", "").isalpha() for code in codes)


def test_what_is_for_the_log_is_not_sent() -> None:
    refusal: OAuthError = InvalidRequest("the assertion is not valid", detail="kid 7 is unknown")
    assert "kid" not in refusal.description
