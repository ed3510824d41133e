"""What is asked, what is granted, and when nobody is asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.consent import (
    OFFLINE,
    Consent,
    Wish,
    covers,
    decide,
    outcome,
    question,
    remembered,
)
from idp.protocol.errors import AccessDenied

CLAIMS = ("name", "email", "phone_number", "address", "birthdate")
some = st.frozensets(st.sampled_from(CLAIMS))
scopes = st.lists(st.sampled_from(["profile", "email", OFFLINE]), unique=True).map(
    lambda words: ("openid", *words)
)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    essential = draw(some)
    return Wish(
        scope=draw(scopes),
        essential=essential,
        voluntary=draw(some) - essential,
        purpose=draw(st.sampled_from([b"one", b"two"])),
    )


def decision(wish: Wish, scope: tuple[str, ...], claims: frozenset[str]) -> Consent:
    return Consent(
        resident_id="amina",
        client_id="clinic",
        scope=scope,
        agreed=claims,
        declined=wish.claims - claims,
        purpose=wish.purpose,
        given_at=0,
        expires_at=100,
    )


@given(wishes(), st.sets(st.sampled_from((*CLAIMS, "picture"))), st.booleans())
def test_accepting_grants_what_was_asked_and_nothing_else(
    wish: Wish, ticked: set[str], offline: bool
) -> None:
    asked = question(None, wish, 1, False)
    scope, claims = decide(asked, wish, ticked, offline)
    assert wish.essential <= claims <= wish.claims
    assert claims - wish.essential == wish.voluntary & ticked
    assert (OFFLINE in scope) == (OFFLINE in wish.scope and offline)
    assert set(wish.scope) - set(scope) <= {OFFLINE}


@given(wishes(), st.sets(st.sampled_from(CLAIMS)))
def test_what_was_decided_is_not_asked_again(wish: Wish, ticked: set[str]) -> None:
    scope, claims = decide(question(None, wish, 1, False), wish, ticked, True)
    held = decision(wish, scope, claims)
    assert covers(held, wish, 99)
    if not wish.asks_nothing:
        assert remembered(held, wish) == (wish.scope, claims)
        assert not covers(held, wish, 100), "it expired"
        assert not covers(held, replace(wish, purpose=b"other"), 99)


@given(wishes(), wishes())
def test_only_what_is_new_is_asked(first: Wish, second: Wish) -> None:
    second = replace(second, purpose=first.purpose)
    scope, claims = decide(question(None, first, 1, False), first, first.voluntary, True)
    held = decision(first, scope, claims)
    asked = question(held, second, 1, False)
    assert asked.known == second.claims & first.claims
    assert asked.essential == second.essential - first.claims
    assert asked.voluntary == second.voluntary - first.claims
    everything = question(held, second, 1, True)
    assert everything.essential | everything.voluntary == second.claims


@given(wishes(), wishes())
def test_a_consent_that_covers_gives_no_more_than_was_agreed(first: Wish, second: Wish) -> None:
    scope, claims = decide(question(None, first, 1, False), first, (), False)
    held = decision(first, scope, claims)
    if covers(held, second, 1) and not second.asks_nothing:
        _, granted = remembered(held, second)
        assert granted <= held.agreed and second.essential <= granted
        assert OFFLINE not in second.scope


def test_nothing_agreed_is_access_denied() -> None:
    wish = Wish(
        scope=("openid", "email"),
        essential=frozenset(),
        voluntary=frozenset({"email"}),
        purpose=b"",
    )
    with pytest.raises(AccessDenied):
        remembered(None, wish)


@given(wishes(), st.booleans(), st.booleans())
def test_offline_access_stays_as_it_was_decided_last(wish: Wish, before: bool, now: bool) -> None:
    wish = replace(wish, scope=("openid", OFFLINE))
    held = None
    for answer in (before, now):
        asked = question(held, wish, 1, True)
        scope, claims = decide(asked, wish, wish.voluntary, answer)
        said, agreed, declined = outcome(held, wish, scope, claims)
        held = replace(decision(wish, said, agreed), declined=declined)
    assert held is not None and covers(held, wish, 1), "nobody is asked again"
    assert (OFFLINE in remembered(held, wish)[0]) == now


def test_a_declined_claim_is_no_declined_scope() -> None:
    wish = Wish(
        scope=("openid", "email"),
        essential=frozenset(),
        voluntary=frozenset({"email"}),
        purpose=b"",
    )
    scope, claims = decide(question(None, wish, 1, False), wish, (), False)
    said, agreed, declined = outcome(None, wish, scope, claims)
    held = replace(decision(wish, said, agreed), declined=declined)
    assert remembered(held, wish) == (("openid", "email"), frozenset())
    wider = replace(wish, scope=("openid", "email", "address"), voluntary=frozenset({"address"}))
    assert not covers(replace(held, declined=frozenset({"address"})), wider, 1)
