"""Backchannel authentication requests: what a client may ask, and in which form.

OpenID Connect CIBA Core 1.0 (CIBA below), FAPI-CIBA Profile.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idp.protocol import jar
from idp.protocol.client import Client
from idp.protocol.errors import (
    InvalidBindingMessage,
    InvalidClientMetadata,
    InvalidRequest,
    InvalidRequestObject,
    MissingUserCode,
    RequestUriNotSupported,
)
from idp.protocol.parameters import Parameters
from idp.protocol.profile import PROFILES, Profile

GRANT_TYPE = "urn:openid:params:grant-type:ciba"
AUTH_REQ_ID_CLAIM = "urn:openid:params:jwt:claim:auth_req_id"
RT_HASH_CLAIM = "urn:openid:params:jwt:claim:rt_hash"

POLL, PING, PUSH = "poll", "ping", "push"
MODES = (POLL, PING, PUSH)
SIGNING_ALGS = ("ES256", "PS256", "RS256", "EdDSA")
"""What a request may be signed with, where the client's profile allows it."""

HINTS = ("login_hint", "id_token_hint", "login_hint_token")
PARAMETERS = frozenset(
    (
        *HINTS,
        "scope",
        "client_notification_token",
        "acr_values",
        "binding_message",
        "user_code",
        "requested_expiry",
        "claims",
        "claims_locales",
        "resource",
        "authorization_details",
        "grant_id",
        "grant_management_action",
    )
)
"""What a request may say (CIBA §7.1; from ``claims`` on as in others). The rest is ignored."""

KEPT = tuple(
    sorted(
        PARAMETERS
        - {*HINTS, "client_notification_token", "binding_message", "user_code", "requested_expiry"}
    )
)
"""What is kept until the person comes: no credential, nothing that names a person."""

LONGEST_MESSAGE = 100
LONGEST_HINT = 256
SHORTEST_USER_CODE, LONGEST_USER_CODE = 4, 32
LONGEST_TOKEN = 1024
"""Characters of ``client_notification_token`` (CIBA §7.1)."""

LONGEST_ID = 512
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)  # RFC 6750 §2.1
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_OBJECT_CLAIMS = ("iss", "aud", "exp", "iat", "nbf", "jti")
_PROTECTING = frozenset((*_OBJECT_CLAIMS, "sub", "client_id", "request", "request_uri"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelCase:
    """What a check may look at. ``signed``: the parameters came in a request object."""

    asked: Parameters
    client: Client
    signed: bool


def request_is_signed_where_demanded(case: BackchannelCase) -> None:
    """FAPI-CIBA §5.2.2 (2); CIBA §4: an algorithm is registered by who signs."""
    client = case.client
    demanded = client.backchannel_authentication_request_signing_alg is not None or (
        PROFILES[client.profile].strictness > 0
    )
    if demanded and not case.signed:
        raise InvalidRequest("the request must be signed: send it as request")


def exactly_one_hint_is_given(case: BackchannelCase) -> None:
    """CIBA §7.1. What a login_hint_token looks like nobody agreed on with us."""
    given = [name for name in HINTS if name in case.asked]
    if len(given) != 1:
        raise InvalidRequest("exactly one of login_hint and id_token_hint is needed")
    if given == ["login_hint_token"]:
        raise InvalidRequest("login_hint_token is not supported; send login_hint or id_token_hint")
    if len(case.asked.get("login_hint", "")) > LONGEST_HINT:
        raise InvalidRequest(f"login_hint is longer than {LONGEST_HINT} characters")


def message_can_be_shown(case: BackchannelCase) -> None:
    """CIBA §7.1, §13: it is shown exactly as it was sent, or refused."""
    message = case.asked.get("binding_message", "")
    if len(message) > LONGEST_MESSAGE:
        raise InvalidBindingMessage(f"binding_message is longer than {LONGEST_MESSAGE} characters")
    if not message.isprintable() or " ".join(message.split()) != message:
        raise InvalidBindingMessage("binding_message holds characters that cannot be shown")


def notification_token_is_a_bearer_token(case: BackchannelCase) -> None:
    """CIBA §7.1: needed for ping and push, where we present it."""
    token = case.asked.get("client_notification_token")
    if case.client.backchannel_token_delivery_mode == POLL:
        return
    if token is None:
        raise InvalidRequest("client_notification_token is missing")
    if len(token) > LONGEST_TOKEN or not _BEARER.fullmatch(token):
        raise InvalidRequest("client_notification_token is not a bearer token of RFC 6750")


def expiry_is_a_number_of_seconds(case: BackchannelCase) -> None:
    """CIBA §7.1: a positive integer."""
    wish = case.asked.get("requested_expiry")
    if wish is not None and (not _SECONDS.fullmatch(wish) or int(wish) < 1):
        raise InvalidRequest("requested_expiry must be a number of seconds")


def user_code_is_given_where_registered(case: BackchannelCase) -> None:
    """CIBA §7.1, §13. Demanded whoever is meant: so it tells nothing about the person."""
    if case.client.backchannel_user_code_parameter and "user_code" not in case.asked:
        raise MissingUserCode("this client sends the user_code of the person")


Check = Callable[[BackchannelCase], None]

CHECKS: tuple[Check, ...] = (
    request_is_signed_where_demanded,
    exactly_one_hint_is_given,
    message_can_be_shown,
    notification_token_is_a_bearer_token,
    expiry_is_a_number_of_seconds,
    user_code_is_given_where_registered,
)
"""What holds for backchannel requests alone; ``idp.protocol.checks`` has what they share."""


def check(case: BackchannelCase) -> None:
    """Raise the OAuthError of the first check that fails."""
    for rule in CHECKS:
        rule(case)


def user_code(typed: str) -> str | None:
    """Return a user code as it is compared, whatever its case and spaces; None for no code."""
    code = "".join(typed[: 4 * LONGEST_USER_CODE].casefold().split())
    fits = SHORTEST_USER_CODE <= len(code) <= LONGEST_USER_CODE
    return code if fits and code.isprintable() else None


def lifetime_of(asked: Parameters, usual: int, longest: int) -> int:
    """Return how long the request lives, in seconds: as it asks, within what is allowed."""
    wish = asked.get("requested_expiry")
    return usual if wish is None else min(int(wish), longest)


def plain(asked: Parameters) -> Parameters:
    """Return what a request says that is not signed."""
    if "request_uri" in asked:  # CIBA §7.1.1 knows the object itself only
        raise RequestUriNotSupported("the request_uri parameter is not supported")
    return Parameters({name: asked[name] for name in asked if name in PARAMETERS})


def only_signed(asked: Parameters) -> None:
    """Raise InvalidRequest where something is said beside the object (CIBA §7.1.1)."""
    if any(name in PARAMETERS for name in asked):
        raise InvalidRequest("a signed request says everything in the object, nothing beside it")


def accepted_algs(client: Client) -> frozenset[str]:
    """Return the algorithms that this client may sign requests with."""
    registered = client.backchannel_authentication_request_signing_alg
    return PROFILES[client.profile].algs_among(SIGNING_ALGS, registered)


def judge_object(claims: Mapping[str, Any], client: Client, issuer: str, now: int) -> Parameters:
    """Return what a signed request asks, or raise InvalidRequest (CIBA §7.1.1, FAPI-CIBA §5.2.2).

    Its claims are those of other request objects; here ``iss`` says who asks.
    """
    missing = [name for name in _OBJECT_CLAIMS if name not in claims]
    if missing:
        raise InvalidRequest(f"{missing[0]} of the request object is missing")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_ID:
        raise InvalidRequest("jti of the request object is not usable")
    said = {name: claims[name] for name in claims if name in PARAMETERS or name in _PROTECTING}
    case = jar.ObjectCase(
        claims={"client_id": claims["iss"], **said},
        client=client,
        issuer=issuer,
        now=now,
        strict=True,
    )
    try:
        asked = jar.judge(case)
    except InvalidRequestObject as refusal:  # §13 has no code of its own for it
        raise InvalidRequest(refusal.description) from None
    return plain(asked)


def check_registration(client: Client, modes: Collection[str]) -> None:
    """Raise InvalidClientMetadata unless the members for CIBA fit one another (CIBA §4).

    ``modes`` are those that the issuer offers.
    """
    mode, profile = client.backchannel_token_delivery_mode, PROFILES[client.profile]
    if (GRANT_TYPE in client.grant_types) is not (mode is not None):
        raise InvalidClientMetadata(
            "the grant ciba and backchannel_token_delivery_mode go together"
        )
    if mode is None:
        return
    if mode not in modes:
        raise InvalidClientMetadata(f"backchannel_token_delivery_mode is among {', '.join(modes)}")
    if client.is_public:
        raise InvalidClientMetadata("a client of CIBA must authenticate")
    if mode == PUSH and (profile.strictness > 0 or client.is_sender_constrained):
        raise InvalidClientMetadata("tokens that are bound to a key, as in FAPI, are never pushed")
    if (mode != POLL) is not (client.backchannel_client_notification_endpoint is not None):
        raise InvalidClientMetadata("ping and push need backchannel_client_notification_endpoint")
    alg = client.backchannel_authentication_request_signing_alg
    if alg is not None and not accepted_algs(client):
        raise InvalidClientMetadata("backchannel_authentication_request_signing_alg is not offered")
    signs = alg is not None or profile.strictness > 0
    if signs and client.jwks is None and client.jwks_uri is None:
        raise InvalidClientMetadata("signed requests need jwks or jwks_uri")


def metadata(issuer: str, modes: Sequence[str], profile: Profile) -> dict[str, Any]:
    """Return what the issuer's metadata say of CIBA (CIBA §4)."""
    algs = [alg for alg in SIGNING_ALGS if profile.allows_alg(alg)]
    offered = [mode for mode in modes if mode != PUSH or profile.strictness == 0]
    return {
        "backchannel_authentication_endpoint": f"{issuer.rstrip('/')}/bc-authorize",
        "backchannel_token_delivery_modes_supported": offered,
        "backchannel_authentication_request_signing_alg_values_supported": algs,
        "backchannel_user_code_parameter_supported": True,
    }
