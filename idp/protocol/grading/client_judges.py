"""How a client is judged: its registration, as its issuer holds the client to it."""

from dataclasses import fields, replace
from urllib.parse import urlsplit

from idp.protocol import attestation
from idp.protocol.client import Client
from idp.protocol.grading.rule import Ground
from idp.protocol.profile import STRONG_ALGS
from idp.protocol.redirect_uris import LOOPBACK
from idp.protocol.refresh import rotates

KEYED = frozenset(
    ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", *attestation.METHODS)
)
"""FAPI 2.0 Security Profile §5.3.2.1 (6)."""

_ALG_ENDINGS = ("_signing_alg", "_signed_response_alg")
_THIS_MACHINE = frozenset(host.strip("[]") for host in LOOPBACK)


def uses_pkce(ground: Ground) -> bool | None:
    """Whether a request of the code flow without a challenge is refused."""
    client = ground.subject
    if not _has_code_flow(client):
        return None
    return client.is_public or client.require_pkce or ground.profile.pkce_always


def redirects_are_encrypted(ground: Ground) -> bool | None:
    """Whether answers travel over TLS, or within the device."""
    uris = ground.subject.redirect_uris
    return all(_is_safe(uri, ground.subject) for uri in uris) if uris else None


def redirects_are_https(ground: Ground) -> bool | None:
    """Whether http is left to loopback addresses of native applications."""
    client = ground.subject
    if not client.redirect_uris:
        return None
    native = client.application_type == "native"
    return all(
        _is_safe(uri, client) and (native or not uri.startswith("http:"))
        for uri in client.redirect_uris
    )


def gets_no_token_in_front(ground: Ground) -> bool | None:
    """Whether access tokens come from the token endpoint alone."""
    types = ground.subject.response_types
    return not any("token" in one.split() for one in types) if types else None


def asks_for_code_only(ground: Ground) -> bool | None:
    """Whether ``code`` is the only response type."""
    types = ground.subject.response_types
    return set(types) == {"code"} if types else None


def refreshes_safely(ground: Ground) -> bool | None:
    """Whether a refresh token of a public client is bound to a key or renewed at each use."""
    client = ground.subject
    if not client.is_public or "refresh_token" not in client.grant_types:
        return None
    return client.is_sender_constrained or rotates(_as_held(ground))


def keeps_its_refresh_token(ground: Ground) -> bool | None:
    """Whether a refresh leaves the refresh token as it is."""
    client = ground.subject
    if "refresh_token" not in client.grant_types:
        return None
    return not rotates(_as_held(ground))


def acts_for_itself_with_credentials(ground: Ground) -> bool | None:
    """Whether client_credentials is left to clients that can authenticate."""
    client = ground.subject
    return not client.is_public if "client_credentials" in client.grant_types else None


def is_confidential(ground: Ground) -> bool | None:
    """Whether the client can authenticate."""
    return not ground.subject.is_public


def authenticates_with_a_key(ground: Ground) -> bool | None:
    """Whether nobody but the client holds what it authenticates with."""
    return ground.subject.token_endpoint_auth_method in KEYED


def authenticates_with_a_key_if_at_all(ground: Ground) -> bool | None:
    """The same, and nothing is said about public clients."""
    return None if ground.subject.is_public else authenticates_with_a_key(ground)


def tokens_are_bound(ground: Ground) -> bool | None:
    """Whether access tokens are bound to a key in a way that this issuer has."""
    client = ground.subject
    if client.tls_client_certificate_bound_access_tokens:
        return bool(ground.metadata.get("tls_client_certificate_bound_access_tokens"))
    demanded = client.dpop_bound_access_tokens or ground.profile.sender_constrained
    return demanded and bool(ground.offers("dpop_signing_alg_values_supported"))


def assertions_name_the_issuer(ground: Ground) -> bool | None:
    """Whether an assertion for any other address is refused."""
    if ground.subject.token_endpoint_auth_method != "private_key_jwt":
        return None
    return ground.profile.issuer_is_only_audience


def requests_are_pushed(ground: Ground) -> bool | None:
    """Whether a request that was not pushed is refused."""
    if not _has_code_flow(ground.subject):
        return None
    offered = "pushed_authorization_request_endpoint" in ground.metadata
    return offered and (
        ground.profile.pushed_requests_only or ground.subject.require_pushed_authorization_requests
    )


def algs_are_strong(ground: Ground) -> bool | None:
    """Whether every signature from and for the client is of a strong algorithm."""
    client = ground.subject
    names = (one.name for one in fields(client) if one.name.endswith(_ALG_ENDINGS))
    algs = {alg for name in names if (alg := getattr(client, name)) is not None}
    unsaid = (
        client.token_endpoint_auth_method == "private_key_jwt"
        and client.token_endpoint_auth_signing_alg is None
        and ground.profile.signing_algs is None
    )
    return algs <= STRONG_ALGS and not unsaid


def requests_are_signed(ground: Ground) -> bool | None:
    """Whether a request without a signed object is refused."""
    if not _has_code_flow(ground.subject):
        return None
    offered = bool(ground.offers("request_object_signing_alg_values_supported"))
    return offered and ground.profile.signed_requests


def has_keys(ground: Ground) -> bool | None:
    """Whether its signed requests can be verified."""
    if not _has_code_flow(ground.subject):
        return None
    return ground.subject.jwks is not None or ground.subject.jwks_uri is not None


def answers_are_signed(ground: Ground) -> bool | None:
    """Whether it is answered with signed responses only."""
    if not _has_code_flow(ground.subject):
        return None
    offered = bool(ground.offers("authorization_signing_alg_values_supported"))
    return offered and ground.profile.signed_answers


def _as_held(ground: Ground) -> Client:
    """Return the client as its issuer holds it to the stricter profile."""
    return replace(ground.subject, profile=ground.profile.name)


def _has_code_flow(client: Client) -> bool:
    return "authorization_code" in client.grant_types


def _is_safe(uri: str, client: Client) -> bool:
    parts = urlsplit(uri)
    if parts.scheme == "http":
        return parts.hostname in _THIS_MACHINE
    return parts.scheme == "https" or (client.application_type == "native" and "." in parts.scheme)
