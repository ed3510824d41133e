"""Checks on how an authorization request came, and how its answer is to travel.

They stand in the table of ``idp.protocol.checks``.
"""

from idp.protocol import response_types
from idp.protocol.authorization import RESPONSE_MODES, delivery
from idp.protocol.case import Case, Source
from idp.protocol.client import Client
from idp.protocol.errors import (
    InvalidRequest,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from idp.protocol.profile import PROFILES


def must_push(client: Client) -> bool:
    """Return whether only pushed requests of the client are taken."""
    registered = client.require_pushed_authorization_requests
    return registered or PROFILES[client.profile].pushed_requests_only


def request_object_is_absent(case: Case) -> None:
    """OpenID Connect Core 1.0 §6, §7.2.1: what is not supported is refused, never ignored."""
    if "request" in case.asked:
        raise RequestNotSupported("the request parameter is not supported")
    if "request_uri" in case.asked:
        raise RequestUriNotSupported("the request_uri parameter is not supported")
    if "registration" in case.asked:
        raise RegistrationNotSupported("the registration parameter is not supported")


def request_was_pushed_where_demanded(case: Case) -> None:
    """RFC 9126 §5, §6; FAPI 2.0 Security Profile §5.3.2.2 (3)."""
    if must_push(case.client) and case.source is not Source.PUSHED:
        raise InvalidRequest("this client must push its authorization requests (PAR, RFC 9126)")


def request_is_signed_where_demanded(case: Case) -> None:
    """RFC 9101 §10.5; FAPI 2.0 Message Signing §5.3.1 (1)."""
    demanded = case.profile.signed_requests or case.client.require_signed_request_object
    if demanded and not case.signed:
        raise InvalidRequest("this client must sign its authorization requests (JAR, RFC 9101)")


def response_type_is_registered(case: Case) -> None:
    """RFC 6749 §3.1.1, §4.1.2.1, OAuth 2.0 Multiple Response Types 1.0 §3."""
    wanted = response_types.canonical(case.asked.require("response_type"))
    if wanted not in response_types.offered(case.features, case.profile):
        raise UnsupportedResponseType("response_type is not supported")
    if wanted not in case.client.response_types or (
        response_types.grants_of(wanted) - set(case.client.grant_types)
    ):
        raise UnauthorizedClient("this client may not use this response_type")


def response_mode_is_allowed(case: Case) -> None:
    """OAuth 2.0 Multiple Response Types 1.0 §2.1, Form Post Response Mode 1.0 §2, JARM §2.3."""
    way = delivery(case.asked)
    if way.mode not in RESPONSE_MODES or (way.signed and not case.features.signed_answers):
        raise InvalidRequest("response_mode is not supported")
    if way.mode not in (*case.client.response_modes, way.usual):
        raise InvalidRequest("response_mode is not allowed for this client")
    if not way.is_safe:
        raise InvalidRequest("response_mode would put a token into a query")


def nonce_is_present_where_demanded(case: Case) -> None:
    """OpenID Connect Core 1.0 §3.2.2.1, §3.3.2.11."""
    if "id_token" in case.asked.words("response_type") and "nonce" not in case.asked:
        raise InvalidRequest("nonce is missing")


def token_in_the_front_is_bearers(case: Case) -> None:
    """RFC 9449 §10, RFC 8705 §3: through a browser nobody proves to hold a key."""
    if "token" not in case.asked.words("response_type"):
        return
    if case.client.is_sender_constrained or "dpop_jkt" in case.asked:
        raise InvalidRequest("a token that is bound to a key is given at the token endpoint only")
    if "grant_management_action" in case.asked:
        raise InvalidRequest("grants are managed with codes")


def answer_is_signed_where_demanded(case: Case) -> None:
    """FAPI 2.0 Message Signing §5.4.1 (1)."""
    if case.profile.signed_answers and not delivery(case.asked).signed:
        raise InvalidRequest("this client must ask for a signed answer (response_mode=jwt, JARM)")
