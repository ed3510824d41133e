"""What of a session a request may rely on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.own_pages import own_request
from idp.protocol.session import Proof, Session, authenticated_at, joined, standing

REQUEST = own_request("https://id.example", "https://id.example/me", None)
SESSION = Session(
    id="s",
    issuer="https://id.example",
    digest=b"d",
    browser=b"b",
    resident_id="amina",
    proofs=(Proof("otp", 100), Proof("pin", 160)),
    begun_at=100,
    expires_at=1000,
    csrf="c",
)


def factors(**changes: object) -> tuple[str, ...]:
    request = replace(REQUEST, **changes)  # type: ignore[arg-type]
    return tuple(proof.factor for proof in standing(SESSION, request, 200))


@pytest.mark.spec("OpenID Connect Core 1.0 §3.1.2.1")
@pytest.mark.parametrize(
    ("max_age", "left"),
    [
        (None, ("otp", "pin")),
        (0, ()),
        (40, ()),
        (41, ("pin",)),
        (100, ("pin",)),
        (101, ("otp", "pin")),
    ],
)
def test_what_is_too_old_counts_no_more(max_age: int | None, left: tuple[str, ...]) -> None:
    assert factors(max_age=max_age) == left


def test_a_new_login_relies_on_nothing() -> None:
    assert factors(prompt=frozenset({"login"})) == ()
    assert standing(None, REQUEST, 200) == ()
    assert standing(replace(SESSION, ended_at=150), REQUEST, 200) == ()
    assert standing(SESSION, REQUEST, 1000) == ()


proofs = st.lists(st.builds(Proof, st.sampled_from(["otp", "pin", "totp"]), st.integers(0, 99)))


@given(proofs, proofs.filter(bool))
def test_nobody_is_told_of_a_proof_more_recent_than_it_was(
    kept: list[Proof], fresh: list[Proof]
) -> None:
    held = joined(kept, fresh, 100)
    new = {proof.factor for proof in fresh}
    assert {proof.factor for proof in held} == {proof.factor for proof in [*kept, *fresh]}
    for proof in held:
        assert proof.at == 100 if proof.factor in new else proof in kept
    assert authenticated_at(held) == min(proof.at for proof in held) <= 100
