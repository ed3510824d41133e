"""What happens next: the one place that decides, by table."""

from dataclasses import replace
from typing import Any

import pytest

from config.settings.issuers import LADDER
from idp.protocol.acr import Ladder
from idp.protocol.claims_request import Asked, ClaimsRequest
from idp.protocol.errors import (
    ConsentRequired,
    LoginRequired,
    OAuthError,
    UnmetAuthenticationRequirements,
)
from idp.protocol.login import Account, IllegalMove, Login, Standing
from idp.protocol.next_step import Facts, Step, demanded_subjects, factor_choices, next_step
from idp.protocol.own_pages import own_request
from idp.protocol.session import Proof, Session

NOW = 1000
FACTORS = ("otp", "pin", "totp")
REACHED = Standing(("otp",), "mosip:idp:acr:generated-code", ("otp",))
SESSION = Session(
    id="s",
    issuer="https://id.example",
    digest=b"d",
    browser=b"b",
    resident_id="amina",
    proofs=(Proof("otp", NOW - 100),),
    begun_at=NOW - 100,
    expires_at=NOW + 100,
    csrf="c",
)
FACTS = Facts(now=NOW, ladder=Ladder.of(LADDER, FACTORS))
KNOWN = replace(FACTS, session=SESSION, usable=FACTORS)
ESSENTIAL_TWO = ClaimsRequest(
    {}, {"acr": Asked(essential=True, values=("urn:symbolon:acr:two-factor",))}
)
NOWHERE = ClaimsRequest({}, {"acr": Asked(essential=True, values=("urn:nowhere",))})


def login(**asked: Any) -> Login:
    if "prompt" in asked:
        asked["prompt"] = frozenset(asked["prompt"].split())
    return Login(
        id="login",
        issuer="https://id.example",
        browser=b"b",
        request=replace(own_request("https://id.example", "https://id.example/me", None), **asked),
        csrf="c",
        begun_at=NOW,
        expires_at=NOW + 100,
    )


def proven(**asked: Any) -> Login:
    return login(**asked).claim("amina").ask("otp").prove(Proof("otp", NOW))


def authenticated(**asked: Any) -> Login:
    return proven(**asked).authenticate("s", NOW, REACHED)


@pytest.mark.spec("OpenID Connect Core 1.0 §3.1.2.3")
@pytest.mark.parametrize(
    ("of", "facts", "step"),
    [
        (login(), FACTS, Step.IDENTIFY),
        (login().claim(None), FACTS, Step.PROVE),
        (login().claim("amina"), FACTS, Step.PROVE),
        (proven(), replace(FACTS, usable=FACTORS), Step.AUTHENTICATE),
        (login(), KNOWN, Step.AUTHENTICATE),
        (login(prompt="none"), KNOWN, Step.AUTHENTICATE),
        (login(prompt="login"), KNOWN, Step.IDENTIFY),
        (login(max_age=0), KNOWN, Step.IDENTIFY),
        (login(max_age=100), KNOWN, Step.IDENTIFY),
        (login(max_age=101), KNOWN, Step.AUTHENTICATE),
        (login(prompt="select_account"), KNOWN, Step.SELECT_ACCOUNT),
        (login(prompt="select_account"), FACTS, Step.IDENTIFY),
        (login(prompt="select_account").choose(Account.SAME), KNOWN, Step.AUTHENTICATE),
        (login(prompt="select_account").forget(), KNOWN, Step.IDENTIFY),
        (login().claim("baraka"), KNOWN, Step.PROVE),
        (login(claims=ESSENTIAL_TWO), KNOWN, Step.PROVE),
        (proven(claims=ESSENTIAL_TWO), replace(FACTS, usable=FACTORS), Step.PROVE),
        (authenticated(), FACTS, Step.CONSENT),
        (authenticated(), replace(FACTS, consented=True), Step.REMEMBER),
        (authenticated(prompt="consent"), replace(FACTS, consented=True), Step.CONSENT),
        (authenticated(prompt="none"), replace(FACTS, consented=True), Step.REMEMBER),
        (authenticated().consent(("openid",), frozenset()), FACTS, Step.ISSUE),
    ],
)
def test_what_comes_next(of: Login, facts: Facts, step: Step) -> None:
    assert next_step(of, facts) is step


@pytest.mark.spec("OpenID Connect Core 1.0 §3.1.2.6")
@pytest.mark.behaviour(6)
@pytest.mark.parametrize(
    ("of", "facts", "refusal"),
    [
        (login(prompt="none"), FACTS, LoginRequired),
        (login(prompt="none", max_age=50), KNOWN, LoginRequired),
        (login(prompt="none", claims=ESSENTIAL_TWO), KNOWN, LoginRequired),
        (authenticated(prompt="none"), FACTS, ConsentRequired),
        (login(claims=NOWHERE), FACTS, UnmetAuthenticationRequirements),
        (login(claims=NOWHERE), KNOWN, UnmetAuthenticationRequirements),
        (
            proven(claims=ESSENTIAL_TWO),
            replace(FACTS, usable=("otp",)),
            UnmetAuthenticationRequirements,
        ),
        (authenticated(hinted_subject="baraka"), replace(FACTS, subject="amina"), LoginRequired),
        (
            login(prompt="none", hinted_subject="baraka"),
            replace(KNOWN, subject="amina"),
            LoginRequired,
        ),
    ],
)
def test_what_the_client_is_told_instead(
    of: Login, facts: Facts, refusal: type[OAuthError]
) -> None:
    with pytest.raises(refusal):
        next_step(of, facts)


@pytest.mark.parametrize("over", [login().refuse(), authenticated().refuse()])
def test_nothing_comes_after_the_end(over: Login) -> None:
    with pytest.raises(IllegalMove):
        next_step(over, KNOWN)


def test_a_session_of_another_person_proves_nothing() -> None:
    other = login().claim("baraka")
    assert factor_choices(other, KNOWN) == FACTORS
    assert next_step(other, KNOWN) is Step.PROVE


def test_only_what_is_missing_is_asked() -> None:
    assert set(factor_choices(login(claims=ESSENTIAL_TWO), KNOWN)) == {"pin", "totp"}


@pytest.mark.attack("A23")
def test_before_anything_is_proven_the_choices_tell_nothing_of_the_person() -> None:
    for person in (None, "amina"):
        for usable in (None, (), ("pin",)):
            facts = replace(FACTS, usable=usable)
            assert factor_choices(login().claim(person), facts) == FACTORS


def test_every_demand_on_the_subject_must_be_met() -> None:
    claims = ClaimsRequest({"sub": Asked(values=("a", "b"))}, {"sub": Asked(values=("b", 7))})
    assert demanded_subjects(login().request) is None
    assert demanded_subjects(login(claims=claims).request) == {"b"}
    assert demanded_subjects(login(claims=claims, hinted_subject="a").request) == frozenset()
