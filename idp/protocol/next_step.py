"""What happens next in a login: the single place that decides.

OpenID Connect Core 1.0 §3.1.2.1 to §3.1.2.3. A step says what to do; where no page may be shown
(prompt=none), the refusal that the client is told is raised instead.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from idp.protocol.acr import Ladder, Wanted, wanted_levels
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.errors import (
    ConsentRequired,
    LoginRequired,
    UnmetAuthenticationRequirements,
)
from idp.protocol.login import Account, IllegalMove, Login, Stage
from idp.protocol.session import Proof, Session, standing
from idp.protocol.signing import asked_change, asked_signature


class Step(StrEnum):
    """``AUTHENTICATE`` and ``REMEMBER`` need no page: enough is proven, consent is on file."""

    SELECT_ACCOUNT = "select_account"
    IDENTIFY = "identify"
    PROVE = "prove"
    AUTHENTICATE = "authenticate"
    CONSENT = "consent"
    REMEMBER = "remember"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the decision rests on.

    ``session`` is the live session of this browser, of a resident who is active still. ``subject``
    is what the client calls the login's resident, or the session's before anybody was named; it is
    needed only where ``demanded_subjects`` demands one. ``usable`` are the factors that the
    resident may use, None as long as nothing was proven. ``consented``: nothing new is asked for.
    """

    now: int
    ladder: Ladder
    session: Session | None = None
    subject: str | None = None
    usable: Collection[str] | None = None
    consented: bool = False


def wanted(request: AuthorizationRequest) -> Wanted:
    """Return the levels of authentication that the request asks for."""
    asked = wanted_levels(request.acr_values, request.claims)
    signs = asked_signature(request.details) or asked_change(request.details)
    return replace(asked, signing=True) if signs else asked


def demanded_subjects(request: AuthorizationRequest) -> frozenset[str] | None:
    """Return the only subjects that the client accepts; None when anybody will do.

    From id_token_hint (OpenID Connect Core 1.0 §3.1.2.1) and a ``sub`` claim with values (§5.5.1).
    """
    demands = [frozenset((request.hinted_subject,))] if request.hinted_subject else []
    for claims in (request.claims.id_token, request.claims.userinfo):
        asked = claims.get("sub")
        if asked is not None and asked.values:
            demands.append(frozenset(value for value in asked.values if isinstance(value, str)))
    return frozenset.intersection(*demands) if demands else None


def proven(login: Login, facts: Facts) -> tuple[Proof, ...]:
    """Return everything that counts as proven: in this login, and in the session before it."""
    session = facts.session
    if (
        session is None
        or login.account is Account.OTHER
        or (login.claimed and login.resident_id != session.resident_id)
        or not _accepted(login, facts)
    ):
        return login.proofs
    fresh = {proof.factor for proof in login.proofs}
    before = standing(session, login.request, facts.now)
    return (*(proof for proof in before if proof.factor not in fresh), *login.proofs)


def next_step(login: Login, facts: Facts) -> Step:
    """Return the step; or raise an OAuthError to be told to the client, or IllegalMove."""
    match login.stage:
        case Stage.PENDING:
            return _before_authentication(login, facts)
        case Stage.AUTHENTICATED:
            return _before_consent(login, facts)
        case Stage.CONSENTED:
            return Step.ISSUE
    raise IllegalMove("the login is over")


def factor_choices(login: Login, facts: Facts) -> tuple[str, ...]:
    """Return the factors that may be asked now, the first one in front."""
    held = tuple(proof.factor for proof in proven(login, facts))
    return facts.ladder.choices(wanted(login.request), held, facts.usable if held else None)


def _before_authentication(login: Login, facts: Facts) -> Step:
    request = login.request
    levels = wanted(request)
    if not facts.ladder.possible(levels):
        raise UnmetAuthenticationRequirements("no way of logging in reaches the level asked for")
    if _account_is_open(login, facts):
        return Step.SELECT_ACCOUNT
    held = tuple(proof.factor for proof in proven(login, facts))
    if held and facts.ladder.enough(levels, held, facts.usable):
        return Step.AUTHENTICATE
    if request.is_silent:
        raise LoginRequired("the person must log in")
    if not held and not login.claimed:
        return Step.IDENTIFY
    if not factor_choices(login, facts):
        raise UnmetAuthenticationRequirements("the person has no factor for the level asked for")
    return Step.PROVE


def _before_consent(login: Login, facts: Facts) -> Step:
    if not _accepted(login, facts):
        # OpenID Connect Core 1.0 §3.1.2.1 (id_token_hint), §5.5.1: not the person asked for
        raise LoginRequired("another person is logged in")
    if facts.consented and "consent" not in login.request.prompt:
        return Step.REMEMBER
    if login.request.is_silent:
        raise ConsentRequired("the person must agree")
    return Step.CONSENT


def _account_is_open(login: Login, facts: Facts) -> bool:
    return (
        "select_account" in login.request.prompt
        and facts.session is not None
        and login.account is Account.OPEN
        and not login.claimed
    )


def _accepted(login: Login, facts: Facts) -> bool:
    demanded = demanded_subjects(login.request)
    return demanded is None or facts.subject in demanded
