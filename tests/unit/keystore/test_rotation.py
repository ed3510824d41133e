"""Keys move forward only, and never so that somebody cannot verify what was signed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore import rotation
from keystore.backends.backend import Algorithm
from keystore.door import KeyState
from keystore.rotation import KeyVersion, Policy

POLICY = Policy(publish_for=540, active_for=10_000, keep_for=3600)
NOW = 1_800_000_000


def key(version: int, state: KeyState, since: int = NOW, **changes: object) -> KeyVersion:
    made = KeyVersion(
        kid=f"k{version}",
        ring="issuer:https://id.example",
        algorithm=Algorithm.ES256,
        version=version,
        ref=f"software:{version}",
        public=b"",
        state=state,
        since=since,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def after(keys: list[KeyVersion], now: int, policy: Policy = POLICY) -> dict[str, KeyState]:
    moved = {key.kid: key.state for key in keys}
    for move in rotation.advance(keys, now, policy):
        assert moved[move.before.kid] is move.before.state
        moved[move.after.kid] = move.after.state
    return moved


def test_a_new_version_is_published_before_it_signs() -> None:
    keys = [key(1, KeyState.ACTIVE), key(2, KeyState.PENDING)]
    assert after(keys, NOW) == {"k1": KeyState.ACTIVE, "k2": KeyState.PUBLISHED}
    keys[1] = key(2, KeyState.PUBLISHED)
    assert after(keys, NOW + 599) == {"k1": KeyState.ACTIVE, "k2": KeyState.PUBLISHED}
    assert after(keys, NOW + 600) == {"k1": KeyState.RETIRING, "k2": KeyState.ACTIVE}


def test_an_old_version_stays_as_long_as_what_it_signed() -> None:
    keys = [key(1, KeyState.RETIRING), key(2, KeyState.ACTIVE)]
    assert after(keys, NOW + 3599)["k1"] is KeyState.RETIRING
    assert after(keys, NOW + 3600)["k1"] is KeyState.RETIRED
    forever = replace(POLICY, keep_for=None)
    assert after(keys, NOW + 10**9, forever)["k1"] is KeyState.RETIRING


def test_the_newest_of_two_that_are_ready_takes_over() -> None:
    keys = [key(1, KeyState.ACTIVE), key(2, KeyState.PUBLISHED), key(3, KeyState.PUBLISHED)]
    assert after(keys, NOW + 600) == {
        "k1": KeyState.RETIRING,
        "k2": KeyState.RETIRING,
        "k3": KeyState.ACTIVE,
    }


def test_a_key_that_served_its_time_is_due_once() -> None:
    active = key(1, KeyState.ACTIVE)
    assert rotation.due([active], NOW + 9_999, POLICY) == ()
    assert rotation.due([active], NOW + 10_000, POLICY) == (active,)
    assert rotation.due([active, key(2, KeyState.PENDING)], NOW + 10_000, POLICY) == ()


def test_in_an_emergency_a_signing_key_is_believed_no_longer() -> None:
    fresh = key(4, KeyState.ACTIVE)
    states = (KeyState.RETIRING, KeyState.ACTIVE, KeyState.PUBLISHED)
    keys = [key(place, state) for place, state in enumerate(states, 1)]
    moves = rotation.emergency(keys, fresh)
    assert [move.after.state for move in moves] == [KeyState.RETIRED] * 3


def test_in_an_emergency_a_seal_stays_readable() -> None:
    fresh = key(4, KeyState.ACTIVE, algorithm=Algorithm.AES)
    states = (KeyState.RETIRING, KeyState.ACTIVE, KeyState.PUBLISHED)
    keys = [key(n, state, algorithm=Algorithm.AES) for n, state in enumerate(states, 1)]
    moves = {move.after.kid: move.after.state for move in rotation.emergency(keys, fresh)}
    assert moves == {"k2": KeyState.RETIRING, "k3": KeyState.RETIRED}


def test_no_key_goes_back() -> None:
    for before in KeyState:
        for target in KeyState:
            forward = list(KeyState).index(target) > list(KeyState).index(before)
            if forward:
                assert key(1, before).moved(target, NOW).after.state is target
            else:
                with pytest.raises(ValueError, match="never goes"):
                    key(1, before).moved(target, NOW)


STEPS = st.lists(st.sampled_from(["rotate", 1, 60, 601, 3601, 20_000]), max_size=40)


@settings(deadline=None)
@given(steps=STEPS)
def test_whatever_happens_what_was_signed_can_be_verified(steps: list[str | int]) -> None:
    """Clients read the JWKS at any time and keep it for 600 s; tokens live for 3600 s."""
    now = NOW
    keys = {"k1": key(1, KeyState.ACTIVE)}
    published_at: dict[str, int] = {}
    last_signed: dict[str, int] = {}
    for step in steps:
        if step == "rotate":
            fresh = key(rotation.next_version(keys.values()), KeyState.PENDING, now)
            keys[fresh.kid] = fresh
        else:
            now += int(step)
        for move in rotation.advance(keys.values(), now, POLICY):
            keys[move.after.kid] = move.after
            if move.after.state is KeyState.PUBLISHED:
                published_at[move.after.kid] = now
        (active,) = [one for one in keys.values() if one.state is KeyState.ACTIVE]
        assert now - published_at.get(active.kid, NOW - 600) >= 600, "published before use"
        last_signed[active.kid] = now
        for kid, signed in last_signed.items():
            if now < signed + 3600:
                assert keys[kid].state in (KeyState.ACTIVE, KeyState.RETIRING), "still shown"


def test_a_version_that_waits_takes_over_only_when_it_is_chosen() -> None:
    waiting = replace(POLICY, waits=True)
    keys = [key(1, KeyState.ACTIVE), key(2, KeyState.PUBLISHED), key(3, KeyState.PENDING)]
    assert after(keys, NOW + 10**9, waiting)["k1"] is KeyState.ACTIVE
    assert not rotation.due(keys, NOW + 10**9, waiting)
    keys = [key(1, KeyState.ACTIVE), *(key(n, KeyState.PUBLISHED) for n in (2, 3, 4))]
    moves = rotation.chosen(keys, keys[2], NOW)
    assert {move.after.kid: move.after.state for move in moves} == {
        "k1": KeyState.RETIRING,
        "k2": KeyState.RETIRED,
        "k3": KeyState.ACTIVE,
    }
