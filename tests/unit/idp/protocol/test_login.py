"""The stages of a login: what may follow what, whatever order the moves are tried in."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import structs

from idp.protocol.login import UNBOUND, Account, IllegalMove, Login, Stage, Standing
from idp.protocol.own_pages import own_request
from idp.protocol.session import Proof

STANDING = Standing(("otp",), "low", ("otp",))
OVER = (Stage.ISSUED, Stage.REFUSED)


def new(browser: bytes = b"b") -> Login:
    return Login(
        id="login",
        issuer="https://id.example",
        browser=browser,
        request=own_request("https://id.example", "https://id.example/me", None),
        csrf="token",
        begun_at=0,
        expires_at=10,
    )


def test_a_login_belongs_to_one_browser_for_good() -> None:
    login = new(UNBOUND).bind(b"mine")
    assert login.browser == b"mine"
    with pytest.raises(IllegalMove):
        login.bind(b"theirs")


def test_naming_somebody_forgets_what_was_proven() -> None:
    login = new().claim("amina").ask("otp").prove(Proof("otp", 1)).claim("baraka")
    assert login.proofs == () and login.factor is None and login.round == 2


def test_going_back_forgets_everybody() -> None:
    login = new().claim("amina", "found").ask("otp").forget()
    assert not login.claimed and login.resident_id is None and login.found_by == ""
    assert login.account is Account.OTHER


def test_nobody_proves_for_somebody_who_does_not_exist() -> None:
    with pytest.raises(IllegalMove):
        new().claim(None).ask("otp").prove(Proof("otp", 1))
    with pytest.raises(IllegalMove):
        new().claim(None).authenticate("session", 1, STANDING)


def test_only_what_was_asked_is_proven() -> None:
    with pytest.raises(IllegalMove):
        new().claim("amina").ask("otp").prove(Proof("pin", 1))
    with pytest.raises(IllegalMove):
        new().ask("otp")


class Moves(RuleBasedStateMachine):
    """Every move in any order: what it leads to is always one that the picture shows."""

    def __init__(self) -> None:
        super().__init__()
        self.login = new()
        self.moves = 0

    def attempt(self, move: str, *values: object) -> None:
        before = self.login
        try:
            self.login = getattr(before, move)(*values)
        except IllegalMove:
            return
        self.moves += 1
        allowed = {
            Stage.PENDING: {Stage.PENDING, Stage.AUTHENTICATED, Stage.REFUSED},
            Stage.AUTHENTICATED: {Stage.CONSENTED, Stage.REFUSED},
            Stage.CONSENTED: {Stage.ISSUED, Stage.REFUSED},
        }
        assert before.stage not in OVER
        assert self.login.stage in allowed[before.stage]
        assert structs.replace(self.login, stage=before.stage).browser == before.browser

    @rule(who=st.sampled_from([None, "amina", "baraka"]))
    def claim(self, who: str | None) -> None:
        self.attempt("claim", who)

    @rule(factor=st.sampled_from([None, "otp", "pin"]))
    def ask(self, factor: str | None) -> None:
        self.attempt("ask", factor)

    @rule(factor=st.sampled_from(["otp", "pin"]))
    def prove(self, factor: str) -> None:
        self.attempt("prove", Proof(factor, 1))

    @rule()
    def forget(self) -> None:
        self.attempt("forget")

    @rule()
    def authenticate(self) -> None:
        self.attempt("authenticate", "session", 1, STANDING)

    @rule()
    def consent(self) -> None:
        self.attempt("consent", ("openid",), frozenset({"name"}))

    @rule()
    def issue(self) -> None:
        self.attempt("issue")

    @rule()
    def refuse(self) -> None:
        self.attempt("refuse")

    @rule()
    def bind(self) -> None:
        self.attempt("bind", b"thief")

    @invariant()
    def every_move_is_counted(self) -> None:
        assert self.login.revision == self.moves

    @invariant()
    def whoever_is_past_proving_is_somebody(self) -> None:
        if self.login.stage in (Stage.AUTHENTICATED, Stage.CONSENTED, Stage.ISSUED):
            assert self.login.resident_id is not None and self.login.session_id is not None

    @invariant()
    def nothing_is_granted_before_it_is_agreed(self) -> None:
        if self.login.stage in (Stage.PENDING, Stage.AUTHENTICATED):
            assert not self.login.granted_claims and not self.login.granted_scope


TestMoves = Moves.TestCase
