"""How a signature request may move, and who may sign in which of its places."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esignet.protocol.activation_subject import approval_hash, signer_hash
from esignet.protocol.asking import Order
from esignet.protocol.signature_request import (
    IllegalMove,
    SignatureRequest,
    SignedAlready,
    Slot,
    State,
)
from keystore.signing.digests import HashAlgorithm

NOW = 1_800_000_000
DIGEST = HashAlgorithm.SHA256.of(b"a contract")
REQUEST = SignatureRequest(
    id="r1",
    client_id="office",
    state=State.OPEN,
    format="cades",
    level="B-LT",
    algorithm=HashAlgorithm.SHA256,
    digests=(DIGEST,),
    slots=(Slot(), Slot()),
    created_at=NOW,
    expires_at=NOW + 3600,
)
ANA, BEN = Slot(signer="ana", approval="1"), Slot(signer="ben", approval="2")
LEGAL = {
    "open": {"signing", "rejected", "cancelled", "expired"},
    "signing": {"open", "completing", "failed", "expired"},
    "completing": {"open", "signed", "failed", "expired"},
}
MOVES: dict[str, Callable[[SignatureRequest, int], SignatureRequest]] = {
    "taken": lambda r, now: r.taken(
        r.next_place(None), Slot(signer=f"{now}{r.version}", approval="a"), now, now + 30
    ),
    "reopened": lambda r, now: r.reopened(),
    "completing": lambda r, now: r.completing(),
    "slot_signed": lambda r, now: r.slot_signed((DIGEST,), now),
    "failed": lambda r, now: r.failed("signature_lost"),
    "rejected": lambda r, now: r.rejected("declined", now),
    "cancelled": lambda r, now: r.cancelled(now),
    "expired": lambda r, now: r.expired(now),
}


@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=14), st.integers(NOW, NOW + 7200))
def test_a_request_moves_only_along_its_ways(moves: list[str], now: int) -> None:
    request = REQUEST
    for name in moves:
        before = request
        try:
            request = MOVES[name](before, now)
        except IllegalMove as refusal:
            assert request is before
            assert not refusal.expired or now >= before.expires_at
            continue
        assert request.state in LEGAL[before.state]
        assert request.version == before.version + 1
        assert request.signatures - before.signatures == int(name == "slot_signed")
        assert (request.state is State.SIGNED) == (request.signatures == 2)
    if request.state.is_final:
        for move in MOVES.values():
            with pytest.raises(IllegalMove):
                move(request, now)


def test_what_is_open_is_not_signed_after_its_time() -> None:
    with pytest.raises(IllegalMove) as refusal:
        REQUEST.taken(0, ANA, NOW + 3600, NOW + 3630)
    assert refusal.value.expired
    assert REQUEST.told_state(NOW + 3600) is State.EXPIRED
    assert replace(REQUEST, state=State.SIGNED).told_state(NOW + 9999) is State.SIGNED


def test_signers_follow_their_order_and_nobody_signs_twice() -> None:
    with pytest.raises(IllegalMove):
        REQUEST.next_place(1)
    signing = REQUEST.taken(REQUEST.next_place(None), ANA, NOW, NOW + 30)
    assert signing.reopened().slots == REQUEST.slots, "nothing remains of an approval in vain"
    half = signing.completing().slot_signed((DIGEST,), NOW)
    assert (half.state, half.next_place(None), half.approved_by("1")) == (State.OPEN, 1, 0)
    assert half.subjects == ("ana", "")
    with pytest.raises(SignedAlready):
        half.taken(1, replace(ANA, approval="3"), NOW, NOW + 30)
    whole = half.taken(1, BEN, NOW, NOW + 30).completing().slot_signed((DIGEST,), NOW + 9)
    assert (whole.state, whole.subjects) == (State.SIGNED, ("ana", "ben"))


def test_in_any_order_a_free_place_is_chosen() -> None:
    free = replace(REQUEST, order=Order.ANY)
    half = free.taken(free.next_place(1), BEN, NOW, NOW + 30).completing().slot_signed((), NOW)
    assert half.next_place(None) == 0
    for taken in (1, 2, -1):
        with pytest.raises(IllegalMove):
            half.next_place(taken)


def activation(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def test_people_are_told_apart_by_what_leads_to_nobody() -> None:
    ana, ben = activation({"subject": "ana"}), activation({"subject": "ben"})
    assert signer_hash(ana) == signer_hash(activation({"subject": "ana", "jti": "2"}))
    assert len({signer_hash(ana), signer_hash(ben), approval_hash(ana), approval_hash(ben)}) == 4
    assert "ana" not in signer_hash(ana)


def test_what_is_nested_without_end_names_nobody() -> None:
    payload = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert signer_hash(f"e30.{payload}.c2ln") == ""


@given(st.text() | st.builds(activation, st.none() | st.dictionaries(st.text(), st.integers())))
def test_what_names_nobody_is_nobody(text: str) -> None:
    assert signer_hash(text) == ""
