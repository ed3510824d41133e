"""What a resource demands of a login, and what it answers when that is not enough (RFC 9470)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.errors import InsufficientUserAuthentication, InvalidRequest
from idp.protocol.step_up import Demand
from tests.unit.idp.protocol.test_refresh import AUTHORIZATION

NOW = 1_800_000_000
RECENT = replace(AUTHORIZATION, acr="low", auth_time=NOW - 100)

pytestmark = pytest.mark.spec("RFC 9470 §3")


def test_what_is_enough_is_enough() -> None:
    for asked in ({}, {"acr_values": "low"}, {"acr_values": "high low", "max_age": "100"}):
        Demand.of(asked).check(RECENT, NOW)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"acr_values": "high higher"}, {"acr_values": "high higher"}),
        ({"max_age": "99"}, {"max_age": "99"}),
        ({"acr_values": "low", "max_age": "0"}, {"acr_values": "low", "max_age": "0"}),
    ],
)
def test_the_challenge_says_what_would_be_enough(
    asked: dict[str, str], told: dict[str, str]
) -> None:
    with pytest.raises(InsufficientUserAuthentication) as refused:
        Demand.of(asked).check(RECENT, NOW)
    assert refused.value.demands == told


def test_a_token_that_rests_on_no_login_is_never_recent() -> None:
    with pytest.raises(InsufficientUserAuthentication):
        Demand(max_age=10**9).check(replace(RECENT, auth_time=None), NOW)


@given(st.dictionaries(st.sampled_from(["acr_values", "max_age"]), st.text()))
def test_whatever_is_demanded_is_read_or_refused(asked: dict[str, str]) -> None:
    try:
        demand = Demand.of(asked)
    except InvalidRequest:
        return
    assert not set('"\\\r\n') & set(" ".join(demand.acr_values))
