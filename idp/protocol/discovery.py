"""Metadata of an issuer, made from what is switched on (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from config.settings import Issuer
from idp.protocol import (
    attestation,
    ciba,
    claims,
    device,
    dpop,
    jar,
    jarm,
    native_sso,
    par,
    pkce,
    response_types,
)
from idp.protocol.authorization import RESPONSE_MODES, SIGNED_MODES
from idp.protocol.checks import DISPLAYS, prompts
from idp.protocol.grant_management import GrantAction
from idp.protocol.mtls import metadata as certificate_metadata
from idp.protocol.profile import PROFILES
from idp.protocol.signing import scope_words

PUBLIC_ONLY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the rest of the program offers, by the names that the specifications give it."""

    grant_types: Sequence[str]
    auth_methods: Sequence[str]
    auth_algs: Sequence[str]
    acr_values: Sequence[str]
    languages: Sequence[str]
    encryption_algs: Sequence[str]
    encryption_encs: Sequence[str]
    detail_types: Sequence[str] = ()
    certificates: bool = False


def metadata(issuer: Issuer, offer: Offer) -> dict[str, Any]:
    """Return the metadata; the same document serves both specifications (RFC 8414 §2)."""
    profile = PROFILES[issuer.profile]
    allowed = [method for method in offer.auth_methods if profile.allows_method(method)]
    proving = [method for method in allowed if method != PUBLIC_ONLY]
    auth_algs = [alg for alg in offer.auth_algs if profile.allows_alg(alg)]
    document: dict[str, Any] = {
        **_addresses(issuer.address),
        "scopes_supported": list(claims.SCOPES),
        "claims_supported": ["sub", *sorted(claims.STANDARD), *_PROTOCOL_CLAIMS],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "claims_locales_supported": list(offer.languages),
        "ui_locales_supported": list(offer.languages),
        "acr_values_supported": list(offer.acr_values),
        "display_values_supported": list(DISPLAYS),
        "prompt_values_supported": list(prompts(issuer.features)),
        **response_types.metadata(
            response_types.offered(issuer.features, profile), offer.grant_types
        ),
        "response_modes_supported": list(RESPONSE_MODES),
        **_signed_answers(issuer, offer),
        "subject_types_supported": ["pairwise", "public"],
        "code_challenge_methods_supported": list(pkce.METHODS),
        "authorization_response_iss_parameter_supported": True,
        **jar.metadata(issuer.features, profile),
        **_optional(issuer, offer),
    }
    for endpoint in ("token", "introspection", "revocation"):
        methods = allowed if endpoint != "introspection" else proving
        document[f"{endpoint}_endpoint_auth_methods_supported"] = list(methods)
        document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = auth_algs
    for kind in ("id_token", "userinfo", "introspection"):
        document[f"{kind}_signing_alg_values_supported"] = list(issuer.signing_algs)
        document[f"{kind}_encryption_alg_values_supported"] = list(offer.encryption_algs)
        document[f"{kind}_encryption_enc_values_supported"] = list(offer.encryption_encs)
    if issuer.service_documentation:
        document["service_documentation"] = issuer.service_documentation
    return document | (certificate_metadata(document, issuer) if offer.certificates else {})


def _signed_answers(issuer: Issuer, offer: Offer) -> dict[str, Any]:
    if not issuer.features.signed_answers:
        return {}
    encryption = offer.encryption_algs, offer.encryption_encs
    return {
        "response_modes_supported": [*RESPONSE_MODES, *SIGNED_MODES],
        **jarm.metadata(issuer.signing_algs, *encryption),
    }


def _optional(issuer: Issuer, offer: Offer) -> dict[str, Any]:
    """Return what the features that are switched on add."""
    base, document = issuer.address.rstrip("/"), dict[str, Any]()
    profile = PROFILES[issuer.profile]
    if issuer.features.grant_management:
        document["grant_management_endpoint"] = f"{base}/grants"
        document["grant_management_actions_supported"] = [*GrantAction, "query", "revoke"]
    if issuer.features.native_sso:
        document["native_sso_supported"] = True
        document["scopes_supported"] = [*claims.SCOPES, native_sso.DEVICE_SSO]
    if words := scope_words(issuer.features):
        document["scopes_supported"] = [
            *document.get("scopes_supported", claims.SCOPES),
            *sorted(words),
        ]
    if issuer.features.global_token_revocation:
        document["global_token_revocation_endpoint"] = f"{base}/global-token-revocation"
    if issuer.features.first_party:
        document["authorization_challenge_endpoint"] = f"{base}/authorize-challenge"
    if issuer.features.pushed_requests:
        document |= par.metadata(issuer.address, PROFILES[issuer.profile])
    if issuer.features.dpop:
        document["dpop_signing_alg_values_supported"] = list(dpop.ALGS)
    if ciba.GRANT_TYPE in offer.grant_types:
        document |= ciba.metadata(issuer.address, issuer.features.backchannel_modes, profile)
    if issuer.features.client_id_documents:
        document["client_id_metadata_document_supported"] = True
    if set(attestation.METHODS) & set(offer.auth_methods):
        document |= attestation.metadata(issuer)
    if device.GRANT_TYPE in offer.grant_types:
        document["device_authorization_endpoint"] = f"{base}/device_authorization"
    if offer.detail_types:
        document["authorization_details_types_supported"] = list(offer.detail_types)
    return document


def well_known_paths(address: str) -> tuple[str, str]:
    """Return where the metadata lies: after the issuer's path, and before it.

    OpenID Connect Discovery 1.0 §4 appends, RFC 8414 §3.1 inserts between host and path.
    """
    path = urlsplit(address).path.rstrip("/")
    return (
        f"{path}/.well-known/openid-configuration",
        f"/.well-known/oauth-authorization-server{path}",
    )


_PROTOCOL_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "sid")


def _addresses(address: str) -> dict[str, str]:
    base = address.rstrip("/")
    return {
        "issuer": address,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/jwks",
        "introspection_endpoint": f"{base}/introspect",
        "revocation_endpoint": f"{base}/revoke",
        "end_session_endpoint": f"{base}/logout",
    }
