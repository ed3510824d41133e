"""The ladder of authentication levels: what reaches a level, what is asked next, what is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings.issuers import LADDER, Acr
from idp.protocol.acr import ANY, Ladder, Wanted, methods, wanted_levels
from idp.protocol.claims_request import Asked, ClaimsRequest

FACTORS = ("otp", "pin", "totp")
OTP, PIN, TOTP = (level.name for level in LADDER[:3])
TWO = LADDER[3].name
DEFAULT = Ladder.of(LADDER, FACTORS)


@pytest.mark.parametrize(
    ("wanted", "choices"),
    [
        (ANY, ("otp", "pin", "totp")),
        (Wanted((OTP,)), ("otp", "pin", "totp")),
        (Wanted((PIN,)), ("pin", "totp", "otp")),
        (Wanted((TOTP, PIN)), ("pin", "totp", "otp")),
        (Wanted((TWO,)), ("otp", "pin", "totp")),
        (Wanted(("unknown",)), ("otp", "pin", "totp")),
        (Wanted((PIN,), essential=True), ("pin",)),
        (Wanted((TOTP, PIN), essential=True), ("pin", "totp")),
        (Wanted((TWO, "unknown"), essential=True), ("otp", "pin", "totp")),
        (Wanted(("unknown",), essential=True), ()),
    ],
)
def test_what_is_asked_first(wanted: Wanted, choices: tuple[str, ...]) -> None:
    assert DEFAULT.choices(wanted, (), None) == choices


@pytest.mark.parametrize(
    ("wanted", "proven", "usable", "choices"),
    [
        (Wanted((TWO,)), ("otp",), FACTORS, ("pin", "totp")),
        (Wanted((TWO,)), ("otp",), ("otp", "pin"), ("pin",)),
        (Wanted((TWO,)), ("otp",), ("otp",), ()),
        (Wanted((TWO,), essential=True), ("pin",), ("pin",), ()),
        (Wanted((TOTP,)), ("otp",), ("otp", "pin"), ("pin",)),
        (Wanted((TOTP,), essential=True), ("otp",), ("otp", "pin"), ()),
        (Wanted((TOTP,), essential=True), ("otp",), FACTORS, ("totp",)),
        (Wanted((TWO,)), ("otp",), ("otp", "biometric"), ()),
    ],
)
def test_what_is_asked_next(
    wanted: Wanted, proven: tuple[str, ...], usable: tuple[str, ...], choices: tuple[str, ...]
) -> None:
    assert DEFAULT.choices(wanted, proven, usable) == choices


@pytest.mark.parametrize(
    ("wanted", "proven", "satisfied", "acr"),
    [
        (ANY, (), False, None),
        (ANY, ("otp",), True, OTP),
        (ANY, ("otp", "pin"), True, TWO),
        (Wanted((OTP,)), ("otp", "pin"), True, OTP),
        (Wanted((OTP, TWO)), ("otp", "pin"), True, TWO),
        (Wanted((OTP,)), ("pin",), True, PIN),
        (Wanted((PIN,)), ("otp",), False, OTP),
        (Wanted((OTP,), essential=True), ("pin",), False, PIN),
        (Wanted((OTP,), essential=True), ("pin", "otp"), True, OTP),
        (Wanted((TWO,)), ("totp",), False, TOTP),
        (Wanted(("unknown",)), ("totp",), True, TOTP),
        (Wanted(("unknown",), essential=True), FACTORS, False, TWO),
    ],
)
def test_what_satisfies_and_what_is_told(
    wanted: Wanted, proven: tuple[str, ...], satisfied: bool, acr: str | None
) -> None:
    assert DEFAULT.satisfied(wanted, proven) is satisfied
    assert DEFAULT.achieved(wanted, proven) == acr


def test_a_wish_that_this_person_cannot_meet_does_not_end_the_login() -> None:
    wish = Wanted((TWO,))
    assert not DEFAULT.enough(wish, ("otp",), FACTORS)
    assert DEFAULT.enough(wish, ("otp",), ("otp",))
    assert not DEFAULT.enough(Wanted((TWO,), essential=True), ("otp",), ("otp",))


def test_the_lowest_rung_is_the_least_that_anybody_must_prove() -> None:
    strict = Ladder.of([Acr(name="two", factors=(("otp", "pin"),))], FACTORS)
    assert not strict.satisfied(ANY, ("otp",))
    assert not strict.enough(ANY, ("otp",), ("otp",))
    assert strict.choices(ANY, ("otp",), FACTORS) == ("pin",)
    assert not strict.satisfied(ANY, ("totp",))


def test_a_level_that_needs_what_is_switched_off_does_not_exist() -> None:
    ladder = Ladder.of(LADDER, ("pin", "totp"))
    assert ladder.names == (PIN, TOTP, TWO)
    assert not ladder.possible(Wanted((OTP,), essential=True))
    assert ladder.possible(Wanted((OTP,)))
    assert ladder.choices(Wanted((OTP,)), (), None) == ("pin", "totp")


def test_without_a_ladder_any_factor_will_do() -> None:
    bare = Ladder.of([], FACTORS)
    assert bare.choices(ANY, (), None) == FACTORS
    assert bare.enough(ANY, ("pin",), FACTORS)
    assert bare.achieved(ANY, ("pin",)) is None
    assert not bare.enough(ANY, (), FACTORS)


@pytest.mark.spec("OpenID Connect Core 1.0 §5.5.1.1")
@pytest.mark.parametrize(
    ("acr_values", "asked", "wanted"),
    [
        ((), None, ANY),
        (("a", "b"), None, Wanted(("a", "b"))),
        ((), Asked(essential=True, values=("a", "b")), Wanted(("a", "b"), essential=True)),
        ((), Asked(values=("a",)), Wanted(("a",))),
        (("c",), Asked(values=("a",)), Wanted(("a",))),
        (("c",), Asked(essential=True), Wanted(("c",))),
        ((), Asked(essential=True, values=(1, None, "a")), Wanted(("a",), essential=True)),
        ((), Asked(essential=True, values=(1,)), Wanted((), essential=True)),
    ],
)
def test_the_claims_request_decides(
    acr_values: tuple[str, ...], asked: Asked | None, wanted: Wanted
) -> None:
    claims = ClaimsRequest(id_token={"acr": asked} if asked else {})
    assert wanted_levels(acr_values, claims) == wanted


def test_an_essential_level_that_is_no_text_is_never_satisfied() -> None:
    assert not DEFAULT.possible(Wanted((), essential=True))
    assert not DEFAULT.satisfied(Wanted((), essential=True), FACTORS)


@pytest.mark.spec("RFC 8176 §2")
@pytest.mark.parametrize(
    ("proven", "amr"),
    [
        (("otp",), ("otp",)),
        (("pin",), ("pin",)),
        (("otp", "pin"), ("otp", "pin", "mfa")),
        (("otp", "totp"), ("otp", "mfa")),
        (("otp", "otp"), ("otp",)),
        ((), ()),
    ],
)
def test_the_methods_that_were_used_are_told(proven: tuple[str, ...], amr: tuple[str, ...]) -> None:
    table = {"otp": ("otp",), "totp": ("otp",), "pin": ("pin",)}
    assert methods(proven, table) == amr


names = st.sampled_from([*DEFAULT.names, "unknown"])
some = st.sets(st.sampled_from(FACTORS))


@given(st.lists(names, unique=True).map(tuple), st.booleans(), some, some)
def test_following_the_choices_ends_in_what_is_enough_or_in_nothing_to_ask(
    values: tuple[str, ...], essential: bool, proven: set[str], usable: set[str]
) -> None:
    wanted = Wanted(values, essential)
    proven &= usable
    for _ in range(len(FACTORS) + 1):
        if proven and DEFAULT.enough(wanted, proven, usable):
            break
        choices = DEFAULT.choices(wanted, proven, usable)
        assert set(choices) <= usable - proven
        if not choices:
            break
        proven.add(choices[0])
    if DEFAULT.satisfied(wanted, usable):
        assert DEFAULT.satisfied(wanted, proven)
    elif not essential and usable:
        assert DEFAULT.enough(wanted, proven, usable)
    if essential and DEFAULT.satisfied(wanted, proven):
        assert DEFAULT.achieved(wanted, proven) in values
