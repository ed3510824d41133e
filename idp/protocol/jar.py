"""Request objects: which claims make one, and what they ask (RFC 9101, OpenID Connect Core 1.0 §6).

The signature is verified before. ``RULES`` is the whole policy on the claims: a rule takes the case
and returns nothing, or raises InvalidRequestObject.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from config.settings import Features
from idp.protocol.client import Client
from idp.protocol.errors import InvalidRequestObject, InvalidRequestUri
from idp.protocol.parameters import REPEATABLE, Parameters
from idp.protocol.profile import PROFILES, Profile

ALGS = ("ES256", "PS256", "EdDSA", "RS256")
"""What a request may be signed with, as far as the profile allows it; ``none`` never."""

TYPS = frozenset(("", "jwt", "oauth-authz-req+jwt"))
"""RFC 9101 §10.8; clients of OpenID Connect Core name none or JWT."""

CONTENT_TYPES = frozenset(("application/oauth-authz-req+jwt", "application/jwt", "text/plain"))
"""RFC 9101 §5.2.3 and the media type before it; plain files are common and harmless."""

LONGEST = 3600
"""Seconds between ``nbf`` and ``exp``, and age of ``nbf``, at most: FAPI 2.0 Message Signing
§5.3.1."""

SKEW = 30
"""Seconds that a client's clock may run ahead: more than 10 are accepted, 60 are not."""

_ABOUT_THE_TOKEN = frozenset(("iss", "aud", "exp", "iat", "nbf", "jti", "sub"))
_TIMES = ("exp", "iat", "nbf")
_DEMANDED = ("client_id", "aud", "exp", "nbf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCase:
    """What a rule may look at. ``strict``: FAPI's rules hold."""

    claims: Mapping[str, Any]
    client: Client
    issuer: str
    now: int
    strict: bool


def claims_are_there(case: ObjectCase) -> None:
    """FAPI 2.0 Message Signing §5.3.1 (2) to (4), RFC 9101 §4."""
    for name in _DEMANDED if case.strict else ():
        if name not in case.claims:
            raise InvalidRequestObject(f"{name} of the request object is missing")


def object_is_of_the_client(case: ObjectCase) -> None:
    """RFC 9101 §4, §5, OpenID Connect Core 1.0 §6.1."""
    for name in ("iss", "client_id"):
        if case.claims.get(name, case.client.client_id) != case.client.client_id:
            raise InvalidRequestObject(f"{name} of the request object must be the client_id")


def object_is_no_assertion(case: ObjectCase) -> None:
    """RFC 9101 §10.8: one token is never taken for the other."""
    if case.claims.get("sub") == case.client.client_id:
        raise InvalidRequestObject("sub of the request object must not be the client_id")


def object_is_for_this_issuer(case: ObjectCase) -> None:
    """RFC 9101 §4."""
    audience = case.claims.get("aud", case.issuer)
    names = audience if isinstance(audience, list) else [audience]
    if case.issuer not in names:
        raise InvalidRequestObject("aud of the request object is not this issuer")


def object_refers_to_no_other(case: ObjectCase) -> None:
    """RFC 9101 §4, RFC 9126 §2.1."""
    for name in ("request", "request_uri"):
        if name in case.claims:
            raise InvalidRequestObject(f"{name} must not stand in the request object")


def times_are_near(case: ObjectCase) -> None:
    """RFC 7519 §4.1, FAPI 2.0 Message Signing §5.3.1 (3), (4)."""
    times = {name: _time(name, case.claims[name]) for name in _TIMES if name in case.claims}
    if times.get("exp", case.now) <= case.now - SKEW:
        raise InvalidRequestObject("the request object expired")
    if max(times.get("iat", 0), times.get("nbf", 0)) > case.now + SKEW:
        raise InvalidRequestObject("the request object is from the future")
    if not case.strict:
        return
    if times["nbf"] < case.now - LONGEST:
        raise InvalidRequestObject("the request object is too old")
    if times["exp"] - times["nbf"] > LONGEST:
        raise InvalidRequestObject("exp of the request object lies too far after nbf")


RULES: tuple[Callable[[ObjectCase], None], ...] = (
    claims_are_there,
    object_is_of_the_client,
    object_is_no_assertion,
    object_is_for_this_issuer,
    object_refers_to_no_other,
    times_are_near,
)


def judge(case: ObjectCase) -> Parameters:
    """Return what the object asks, or raise InvalidRequestObject."""
    for rule in RULES:
        rule(case)
    return parameters_of(case.claims)


def parameters_of(claims: Mapping[str, Any]) -> Parameters:
    """Return what the claims ask, as a form would say it (RFC 9101 §4).

    Objects and arrays are JSON texts there, numbers are digits. Raises InvalidRequest for a value
    that no form could hold.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in claims.items():
        if name in _ABOUT_THE_TOKEN or value is None:
            continue
        values = value if name in REPEATABLE and isinstance(value, list) else [value]
        pairs += [(name, _text(name, one)) for one in values]
    return Parameters.parse(pairs)


def completed(outer: Parameters, inner: Parameters) -> Parameters:
    """Return the request that both make together (OpenID Connect Core 1.0 §6.1).

    What stands in the object wins; what must be the same in both is.
    """
    for name in ("response_type", "client_id"):
        if name in outer and inner.get(name, outer[name]) != outer[name]:
            raise InvalidRequestObject(f"{name} differs within and without the request object")
    whole = Parameters({**outer, **inner})
    for name in ("request", "request_uri"):
        whole.pop(name, None)
    return whole


def accepted_algs(client: Client) -> frozenset[str]:
    """Return the algorithms that this client may sign requests with."""
    return PROFILES[client.profile].algs_among(ALGS, client.request_object_signing_alg)


def is_strict(client: Client) -> bool:
    """Return whether everything must be said in the object, with all claims that protect it.

    Otherwise OpenID Connect Core 1.0 §6.1 holds: parameters beside the object complete it.
    """
    return client.require_signed_request_object or PROFILES[client.profile].strictness > 0


def check_reference(request_uri: str, client: Client) -> None:
    """Raise InvalidRequestUri unless the client registered the address (RFC 9101 §5.2).

    Its fragment may differ, where the registered one has none: it is the hash of the content
    (OpenID Connect Core 1.0 §6.2).
    """
    bare = request_uri.partition("#")[0]
    if request_uri not in client.request_uris and bare not in client.request_uris:
        raise InvalidRequestUri("request_uri is not registered for this client")


def metadata(features: Features, profile: Profile) -> dict[str, Any]:
    """Return the members of the issuer's metadata (RFC 9101 §10.5, Discovery 1.0 §3)."""
    by_reference = features.request_uris and not profile.pushed_requests_only
    document: dict[str, Any] = {
        "request_parameter_supported": features.request_objects,
        "request_uri_parameter_supported": by_reference,
        "require_request_uri_registration": by_reference,
    }
    if features.request_objects or by_reference:
        document["require_signed_request_object"] = profile.signed_requests
        document["request_object_signing_alg_values_supported"] = [
            alg for alg in ALGS if profile.allows_alg(alg)
        ]
    return document


def _time(name: str, value: object) -> float:
    """Return a NumericDate, which may have a fraction (RFC 7519 §2)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise InvalidRequestObject(f"{name} of the request object is no time")
    return value


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | float):
        raise InvalidRequestObject(f"{name[:64]} of the request object has a wrong type")
    return msgspec.json.encode(value).decode()
