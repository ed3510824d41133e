"""The checks on an authorization request, in the order in which they run.

A check takes the case and returns nothing, or raises an OAuthError. ``CHECKS`` is the whole policy:
to add a rule, write a function named after the truth that it defends and give it a line.
"""

import re
from collections.abc import Callable

from config.settings import Features
from idp.protocol import (
    ciba,
    claims_request,
    dpop,
    grant_management,
    pkce,
    resources,
    signing,
    ways,
)
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.case import Case, Endpoint
from idp.protocol.claims import SCOPES
from idp.protocol.client import Client
from idp.protocol.errors import (
    InvalidRequest,
    InvalidScope,
)
from idp.protocol.native_sso import DEVICE_SSO
from idp.protocol.parameters import Parameters
from idp.protocol.response_types import canonical, gives_code

PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")
LONGEST_STATE = 4096
"""Characters of state and of nonce at most: they travel in headers."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z", re.ASCII)  # RFC 6749 §3.3
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}\Z", re.ASCII)  # RFC 5646 §2.1
_SECONDS = re.compile(r"[0-9]{1,10}\Z", re.ASCII)
_MOST_LOCALES = 20


def prompts(features: Features) -> tuple[str, ...]:
    """Return what ``prompt`` may hold: ``create`` where people can be sent to get an ID."""
    return (*PROMPTS, "create") if features.enrolment_url else PROMPTS


def scope_holds_openid(case: Case) -> None:
    """RFC 6749 §3.3, OpenID Connect Core 1.0 §3.1.2.1. Unknown values are ignored, as it says."""
    words = case.asked.words("scope")
    if not all(_SCOPE.match(word) for word in words):
        raise InvalidScope("scope holds characters that are not allowed")
    if "openid" not in words:
        raise InvalidScope("scope must hold openid")
    if "openid" not in case.client.scope:
        raise InvalidScope("this client may not ask for openid")


def state_and_nonce_are_short(case: Case) -> None:
    """Both come back intact or not at all (OpenID Connect Core 1.0 §3.1.2.1)."""
    for name in ("state", "nonce"):
        if len(case.asked.get(name, "")) > LONGEST_STATE:
            raise InvalidRequest(f"{name} is longer than {LONGEST_STATE} characters")


def challenge_is_present_where_demanded(case: Case) -> None:
    """RFC 9700 §2.1.1: public clients must use PKCE, others unless their registration waives it."""
    client = case.client
    demanded = client.is_public or client.require_pkce or case.profile.pkce_always
    if demanded and gives_code(case.asked) and "code_challenge" not in case.asked:
        raise InvalidRequest("code_challenge is missing (PKCE, RFC 7636)")


def challenge_is_valid(case: Case) -> None:
    """RFC 7636 §4.3. A valid one is welcome from every client, and then binds the code."""
    challenge = case.asked.get("code_challenge")
    method = case.asked.get("code_challenge_method")
    if challenge is not None:
        pkce.check_challenge(challenge, method)
    elif method is not None:
        raise InvalidRequest("code_challenge_method without code_challenge")


def prompts_are_known(case: Case) -> None:
    """Initiating User Registration via OpenID Connect 1.0 §4.1."""
    if set(case.asked.words("prompt")) - set(prompts(case.features)):
        raise InvalidRequest("prompt holds a value that is not supported")


def prompt_none_stands_alone(case: Case) -> None:
    """OpenID Connect Core 1.0 §3.1.2.1."""
    prompt = case.asked.words("prompt")
    if "none" in prompt and len(prompt) > 1:
        raise InvalidRequest("prompt=none cannot be combined with another value")


def max_age_is_seconds(case: Case) -> None:
    """OpenID Connect Core 1.0 §3.1.2.1."""
    max_age = case.asked.get("max_age")
    if max_age is not None and not _SECONDS.match(max_age):
        raise InvalidRequest("max_age must be a number of seconds")


def claims_are_well_formed(case: Case) -> None:
    """OpenID Connect Core 1.0 §5.5."""
    claims_request.parse(case.asked.get("claims"))


def hint_was_issued_to_this_client(case: Case) -> None:
    """OpenID Connect Core 1.0 §3.1.2.1, §3.1.3.7 (aud)."""
    if case.hint is not None and case.client.client_id not in case.hint.audience:
        raise InvalidRequest("id_token_hint was issued to another client")


def details_are_well_formed(case: Case) -> None:
    """RFC 9396 §5."""
    _ = case.details


def signatures_are_asked_soundly(case: Case) -> None:
    """Cloud Signature Consortium API v2.2 §8: for a code, or what a client collects with proof."""
    pushes = case.client.backchannel_token_delivery_mode == ciba.PUSH
    is_back = case.endpoint is Endpoint.BACKCHANNEL
    coded = not pushes if is_back else canonical(case.asked.get("response_type", "code")) == "code"
    signing.check_asked(case.details, case.features, coded=coded)


def grant_is_managed_soundly(case: Case) -> None:
    """Grant Management for OAuth 2.0 §5.1, §5.4."""
    if grant_management.action_of(case.asked, case.features) and case.client.is_public:
        raise InvalidRequest("grants are managed by confidential clients only")


def a_page_may_be_shown(case: Case) -> None:
    """RFC 8628 §3.3: a person is asked, always; there is no silent answer."""
    if "none" in case.asked.words("prompt"):
        raise InvalidRequest("prompt=none is not possible here")


def no_hint_stands_in_it(case: Case) -> None:
    """What would name a person is not kept until they come; it is refused, not ignored."""
    if "id_token_hint" in case.asked:
        raise InvalidRequest("id_token_hint is not possible here")


def key_is_a_thumbprint(case: Case) -> None:
    """RFC 9449 §10."""
    if not dpop.is_thumbprint(case.asked.get("dpop_jkt", "-" * 43)):
        raise InvalidRequest("dpop_jkt must be the SHA-256 thumbprint of a key")


Check = Callable[[Case], None]
A, P, D, B, C = Endpoint

# fmt: off
CHECKS: tuple[tuple[Check, frozenset[Endpoint]], ...] = (
    (ways.request_was_pushed_where_demanded, frozenset({A})),
    (ways.request_object_is_absent,        frozenset({A, P, D, C})),
    (ways.request_is_signed_where_demanded, frozenset({A, P, C})),
    (ways.response_type_is_registered,     frozenset({A, P})),
    (ways.response_mode_is_allowed,        frozenset({A, P})),
    (ways.nonce_is_present_where_demanded, frozenset({A, P})),
    (ways.token_in_the_front_is_bearers,   frozenset({A, P})),
    (ways.answer_is_signed_where_demanded, frozenset({A, P})),
    (scope_holds_openid,                   frozenset({A, B, D, P, C})),
    (state_and_nonce_are_short,            frozenset({A, P, D, C})),
    (challenge_is_present_where_demanded,  frozenset({A, P, C})),
    (challenge_is_valid,                   frozenset({A, P, C})),
    (prompts_are_known,                    frozenset({A, P, D})),
    (prompt_none_stands_alone,             frozenset({A, P})),
    (max_age_is_seconds,                   frozenset({A, P, D, C})),
    (details_are_well_formed,              frozenset({A, P, D, B, C})),
    (signatures_are_asked_soundly,         frozenset({A, P, D, B, C})),
    (claims_are_well_formed,               frozenset({A, B, D, P, C})),
    (resources.may_be_named,               frozenset({A, P, D, B, C})),
    (grant_is_managed_soundly,             frozenset({A, P, D, B})),
    (a_page_may_be_shown,                  frozenset({D})),
    (no_hint_stands_in_it,                 frozenset({D})),
    (hint_was_issued_to_this_client,       frozenset({A, B, P})),
    (key_is_a_thumbprint,                  frozenset({A, P, C})),
)
# fmt: on


def authorization_request(case: Case) -> AuthorizationRequest:
    """Return the request that passed every check, or raise the OAuthError of the first that failed.

    ``display``, locales, ``acr_values`` and ``login_hint`` are wishes: no value of theirs is an
    error (OpenID Connect Core 1.0 §3.1.2.1).
    """
    asked, client, hint = case.asked, case.client, case.hint
    for check, endpoints in CHECKS:
        if case.endpoint in endpoints:
            check(case)
    claims = claims_request.parse(asked.get("claims"))
    action = grant_management.action_of(asked, case.features)
    max_age = int(asked["max_age"]) if "max_age" in asked else client.default_max_age
    display = asked.get("display", "page")
    return AuthorizationRequest(
        client_id=client.client_id,
        reply_to=case.reply_to,
        response_type=canonical(asked.get("response_type", "code")),
        scope=_granted_to(client, asked, signing.scope_words(case.features)),
        code_challenge=asked.get("code_challenge"),
        nonce=asked.get("nonce"),
        prompt=frozenset(asked.words("prompt")),
        max_age=signing.oldest(case.details, max_age, case.features),
        acr_values=asked.words("acr_values") or client.default_acr_values,
        claims=claims,
        claims_locales=_locales(asked.words("claims_locales")),
        ui_locales=_locales(asked.words("ui_locales")),
        login_hint=asked.get("login_hint"),
        hinted_subject=None if hint is None else hint.subject,
        resources=asked.words("resource"),
        details=case.details,
        grant_id=asked.get("grant_id") if action else None,
        grant_action=action or "",
        dpop_jkt=asked.get("dpop_jkt"),
        pushed=case.pushed,
        display=display if display in DISPLAYS else "page",
        auth_time_asked=(
            max_age is not None or client.require_auth_time or "auth_time" in claims.id_token
        ),
    )


def _granted_to(client: Client, asked: Parameters, more: frozenset[str]) -> tuple[str, ...]:
    """Leave out what is unknown or not registered, and offline access where no refresh is.

    OpenID Connect Core 1.0 §11: it is ignored unless there is a code.
    """
    # Others are a machine's own: no page explains them.
    allowed = client.scope & {*SCOPES, DEVICE_SSO, *more}
    if "refresh_token" not in client.grant_types or not gives_code(asked):
        allowed = allowed - {"offline_access"}
    return tuple(value for value in asked.words("scope") if value in allowed)


def _locales(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if _LOCALE.match(tag))[:_MOST_LOCALES]
