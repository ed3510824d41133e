"""Readers of claims and parameters of others: they return what they read, or refuse it."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Features, Issuer
from config.wiring.details import detail_types
from idp.protocol import (
    attestation,
    details,
    dpop,
    grant_management,
    native_sso,
    resources,
    token_exchange,
)
from idp.protocol.errors import InvalidAuthorizationDetails, OAuthError
from idp.protocol.parameters import Parameters
from tests.unit.idp.authorization_details.test_details import PAYMENT

pytestmark = pytest.mark.attack("A26")

NOW = 1_800_000_000
ISSUER = "https://id.example"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NEAR = st.integers(NOW - 400, NOW + 400) | st.floats(NOW - 400, NOW + 400)


def claims(**good: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Claims of which each is missing, good, or anything."""
    return st.fixed_dictionaries(
        {}, optional={name: st.just(value) | NEAR | VALUES for name, value in good.items()}
    )


def refused_or(read: Callable[[], Any]) -> Any:
    with suppress(OAuthError):
        return read()
    return None


KEY = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}


@given(said=claims(sub="app", exp=NOW + 60, iat=NOW, nbf=NOW, cnf={"jwk": KEY}))
def test_attestations(said: dict[str, Any]) -> None:
    key = refused_or(lambda: attestation.judge_attestation(said, "app", NOW))
    if key is not None:
        assert said["sub"] == "app" and said["exp"] > NOW - attestation.SKEW
        assert key == said["cnf"]["jwk"]


@given(said=claims(aud=ISSUER, jti="j", iat=NOW, nbf=NOW, exp=NOW + 60, challenge="c"))
def test_proofs_of_attested_keys(said: dict[str, Any]) -> None:
    proof = refused_or(lambda: attestation.judge_proof(said, ISSUER, NOW))
    if proof is not None:
        assert said["aud"] in (ISSUER, [ISSUER]) and proof.id == said["jti"]
        assert proof.usable_since <= NOW < proof.expires_at, "remembered as long as it is taken"


@given(said=claims(jti="j", htm="POST", htu=f"{ISSUER}/token", iat=NOW, ath="x", nonce="n"))
def test_proofs_of_keys(said: dict[str, Any]) -> None:
    expected = dpop.Expected(method="POST", address=f"{ISSUER}/token", now=NOW)
    proof = refused_or(lambda: dpop.judge(said, expected))
    if proof is not None:
        assert (said["htm"], proof.id) == ("POST", said["jti"])
        assert proof.usable_since <= NOW < proof.expires_at, "remembered as long as it is taken"


TEXTS = st.dictionaries(
    st.sampled_from(
        [
            *("grant_id", "grant_management_action", "requested_token_type", "audience"),
            *("subject_token", "subject_token_type", "actor_token", "actor_token_type", "scope"),
            *("resource", "authorization_details"),
        ]
    ),
    st.sampled_from(["create", "merge", "replace", token_exchange.ACCESS_TOKEN, ISSUER, "", "[]"])
    | st.text(max_size=60),
)


@given(asked=TEXTS)
def test_actions_on_grants(asked: dict[str, str]) -> None:
    action = refused_or(lambda: grant_management.action_of(asked, Features(grant_management=True)))
    if action is not None:
        assert ("grant_id" in asked) is (action != "create")
    off = Features(grant_management=False)
    assert grant_management.action_of(asked, off) is None


@given(asked=TEXTS)
def test_exchanges(asked: dict[str, str]) -> None:
    parameters = Parameters(asked)
    wanted = refused_or(lambda: token_exchange.wanted_type(parameters))
    assert wanted in (None, token_exchange.ACCESS_TOKEN, token_exchange.REFRESH_TOKEN)
    refused_or(lambda: native_sso.check_exchange(parameters, ISSUER))


@given(text=st.text(max_size=80) | st.builds("https://{}".format, st.text(max_size=40)))
def test_addresses_of_resources(text: str) -> None:
    if resources.is_address(text):
        assert text.isascii() and text.startswith("https://") and "#" not in text


@given(text=st.text(max_size=200) | st.builds(json.dumps, VALUES))
def test_details(text: str) -> None:
    types = detail_types(Issuer(address=ISSUER))
    refused_or(lambda: details.parse(text, types, tuple(types)))


@pytest.mark.attack("A39")
def test_one_payment_is_not_two() -> None:
    """Of what was agreed to once, no token says that it was agreed to twice."""
    types = detail_types(Issuer(address=ISSUER))
    assert details.narrowed(json.dumps([PAYMENT]), types, [PAYMENT]) == (PAYMENT,)
    assert len(details.narrowed(json.dumps([PAYMENT, PAYMENT]), types, [PAYMENT, PAYMENT])) == 2
    for asked, granted in (([PAYMENT] * 2, [PAYMENT]), ([PAYMENT] * 3, [PAYMENT] * 2)):
        with pytest.raises(InvalidAuthorizationDetails):
            details.narrowed(json.dumps(asked), types, granted)
