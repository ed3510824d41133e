"""Which registrations are accepted (RFC 7591 §2, OpenID Connect Dynamic Registration 1.0 §2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from config.settings import Issuer
from idp.protocol import (
    attestation,
    ciba,
    global_revocation,
    jar,
    mtls,
    native_sso,
    redirect_uris,
    resources,
    response_types,
    token_exchange,
)
from idp.protocol.authorization import RESPONSE_MODES
from idp.protocol.claims import SCOPES
from idp.protocol.client import Client
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.grant_management import QUERY, REVOKE
from idp.protocol.profile import PROFILES

SECRET_METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
METHODS = (
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    *attestation.METHODS,
    *SECRET_METHODS,
    "none",
)
KEYED = ("private_key_jwt", "self_signed_tls_client_auth")
"""Methods of clients that have keys of their own."""

MOST_URIS = 50
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Possible:
    """What this deployment can do for a client. ``resource_servers`` are those but itself."""

    issuer: Issuer
    auth_algs: frozenset[str]
    encryption_algs: frozenset[str]
    encryption_encs: frozenset[str]
    detail_types: frozenset[str] = frozenset()
    resource_servers: Mapping[str, resources.ResourceServer] = field(default_factory=dict)


def profile_is_met(client: Client, possible: Possible) -> None:
    """What the client's profile demands; it is at least as strict as the issuer's."""
    profile = PROFILES.get(client.profile)
    if profile is None:
        raise InvalidClientMetadata(f"profile is one of {', '.join(PROFILES)}")
    if profile.strictness < PROFILES[possible.issuer.profile].strictness:
        raise InvalidClientMetadata(f"the issuer demands the profile {possible.issuer.profile}")
    method = client.token_endpoint_auth_method
    if not profile.allows_method(method):
        raise InvalidClientMetadata(f"the profile {profile.name} does not allow {method}")
    if profile.sender_constrained and not client.is_sender_constrained:
        raise InvalidClientMetadata(
            f"the profile {profile.name} needs tokens bound to a DPoP key or a certificate"
        )
    algs = (
        client.token_endpoint_auth_signing_alg,
        client.id_token_signed_response_alg,
        client.userinfo_signed_response_alg,
        client.introspection_signed_response_alg,
        client.authorization_signed_response_alg,
    )
    for alg in algs:
        if alg is not None and not profile.allows_alg(alg):
            raise InvalidClientMetadata(f"the profile {profile.name} does not allow {alg}")


def redirect_uris_are_safe(client: Client, possible: Possible) -> None:
    """RFC 6749 §3.1.2.2: a client that is answered by redirect has at least one."""
    if not int(client.is_redirected) <= len(client.redirect_uris) <= MOST_URIS:
        raise InvalidRedirectUri(f"1 to {MOST_URIS} redirect URIs are needed")
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        redirect_uris.check(uri, client.application_type)
    strict = PROFILES[client.profile].https_redirects and client.application_type != "native"
    if strict and not all(uri.startswith("https:") for uri in client.redirect_uris):
        raise InvalidRedirectUri(f"the profile {client.profile} needs https redirect URIs")


def sector_is_clear(client: Client, possible: Possible) -> None:
    """OpenID Connect Core 1.0 §8.1: pairwise subjects need one sector."""
    if client.subject_type not in ("pairwise", "public"):
        raise InvalidClientMetadata("subject_type is pairwise or public")
    if client.subject_type == "pairwise" and not client.sector:
        raise InvalidClientMetadata("redirect URIs of several hosts need a sector")


def texts_are_plain(client: Client, possible: Possible) -> None:
    """Names and purposes stand on the consent page: no control or direction characters."""
    texts = [*client.names.values(), *client.purposes.values()]
    if not client.names.get("") or any(len(text) > LONGEST_NAME for text in texts):
        raise InvalidClientMetadata(f"the name has 1 to {LONGEST_NAME} characters")
    if not all(text.isprintable() for text in texts):
        raise InvalidClientMetadata("names and purposes hold printable characters only")


def pages_are_https(client: Client, possible: Possible) -> None:
    """``javascript:`` and its like never stand in a link of ours."""
    for uri in (client.logo_uri, client.policy_uri, client.tos_uri, client.jwks_uri):
        if uri is not None:
            check_https(uri)


def authentication_is_possible(client: Client, possible: Possible) -> None:
    """OpenID Connect Core 1.0 §9."""
    method = client.token_endpoint_auth_method
    if method not in METHODS:
        raise InvalidClientMetadata(f"token_endpoint_auth_method is one of {', '.join(METHODS)}")
    if client.jwks is not None and client.jwks_uri is not None:
        raise InvalidClientMetadata("jwks and jwks_uri exclude one another")
    if method in KEYED and client.jwks is None and client.jwks_uri is None:
        raise InvalidClientMetadata(f"{method} needs jwks or jwks_uri")
    alg = client.token_endpoint_auth_signing_alg
    allowed = {"private_key_jwt": possible.auth_algs, "client_secret_jwt": frozenset({"HS256"})}
    if alg is not None and alg not in allowed.get(method, frozenset()):
        raise InvalidClientMetadata("token_endpoint_auth_signing_alg does not fit the method")
    mtls.check_registration(client)
    attestation.check_registration(client, possible.issuer)


def tokens_are_bound_to_one_key(client: Client, possible: Possible) -> None:
    """RFC 9449 §5.2, RFC 8705 §3.4; RFC 7800 §3.1: a token confirms one key."""
    if client.dpop_bound_access_tokens and not possible.issuer.features.dpop:
        raise InvalidClientMetadata("the issuer does not offer DPoP")
    if client.dpop_bound_access_tokens and client.tls_client_certificate_bound_access_tokens:
        raise InvalidClientMetadata("tokens are bound to a DPoP key or to a certificate, not both")


def grants_are_known(client: Client, possible: Possible) -> None:
    """RFC 7591 §2.1: response types and grant types belong together."""
    offered, asked = possible.issuer.features.grant_types, set(client.grant_types)
    response_types.check_registration(client, possible.issuer.features)
    asked.discard(response_types.IMPLICIT)
    nothing_to_do = not set(client.grant_types) - {"refresh_token"} and client.audience is None
    if asked - set(offered) or nothing_to_do:
        raise InvalidClientMetadata(f"grant_types are among {', '.join(offered)}")
    if not client.response_modes or set(client.response_modes) - set(RESPONSE_MODES):
        raise InvalidClientMetadata(f"response_modes are among {', '.join(RESPONSE_MODES)}")
    if client.application_type not in ("web", "native"):
        raise InvalidClientMetadata("application_type is web or native")


def requests_are_possible(client: Client, possible: Possible) -> None:
    """RFC 9126 §6, RFC 9101 §10.5."""
    offered = possible.issuer.features
    if client.require_pushed_authorization_requests and not offered.pushed_requests:
        raise InvalidClientMetadata("the issuer takes no pushed requests")
    signs = client.require_signed_request_object or PROFILES[client.profile].signed_requests
    if signs and not (offered.request_objects or offered.request_uris):
        raise InvalidClientMetadata("the issuer takes no request objects")
    if client.request_object_signing_alg is not None and not jar.accepted_algs(client):
        raise InvalidClientMetadata(f"requests are signed with {', '.join(jar.ALGS)}")
    if signs and client.jwks is None and client.jwks_uri is None:
        raise InvalidClientMetadata("signed requests need jwks or jwks_uri")
    if PROFILES[client.profile].signed_answers and not offered.signed_answers:
        raise InvalidClientMetadata("the issuer signs no answers")
    if client.request_uris and not offered.request_uris:
        raise InvalidClientMetadata("the issuer fetches no request objects")
    if len(client.request_uris) > MOST_URIS:
        raise InvalidClientMetadata(f"{MOST_URIS} request_uris are the most")
    for uri in client.request_uris:
        check_https(uri.partition("#")[0])


def backchannel_is_possible(client: Client, possible: Possible) -> None:
    """OpenID Connect CIBA Core 1.0 §4."""
    ciba.check_registration(client, possible.issuer.features.backchannel_modes)
    endpoint = client.backchannel_client_notification_endpoint
    if endpoint is not None:
        check_https(endpoint)


def sso_group_is_possible(client: Client, possible: Possible) -> None:
    """OpenID Connect Native SSO 1.0: the operator says which apps are of one maker."""
    native_sso.check_registration(client, possible.issuer.features.native_sso)


def scope_is_known(client: Client, possible: Possible) -> None:
    """RFC 7591 §2. Words that are not about a person are those of resource servers, or of ours."""
    words = resources.words_for(client, possible.resource_servers)
    if possible.issuer.features.grant_management and "client_credentials" in client.grant_types:
        words |= {QUERY, REVOKE}
    if possible.issuer.features.global_token_revocation and client.is_sender_constrained:
        words |= {global_revocation.SCOPE}
    words |= native_sso.scope_words(client, possible.issuer.features.native_sso)
    if client.scope - set(SCOPES) - words:
        raise InvalidClientMetadata(
            f"scope holds others than {' '.join(SCOPES)} and those of the client's resources"
        )
    if not client.is_machine and "openid" not in client.scope:
        raise InvalidClientMetadata("scope must hold openid")


def resources_are_known(client: Client, possible: Possible) -> None:
    """RFC 8707 §2, RFC 6749 §4.4."""
    resources.check_registration(client, possible.resource_servers)
    token_exchange.check_registration(client)


def details_are_offered(client: Client, possible: Possible) -> None:
    """RFC 9396 §10."""
    offered = possible.detail_types
    if unknown := set(client.authorization_details_types) - set(offered):
        raise InvalidClientMetadata(
            f"authorization_details_types: no {', '.join(sorted(unknown))}; there are"
            f" {', '.join(sorted(offered))}"
        )


def answers_are_possible(client: Client, possible: Possible) -> None:
    """Algorithms of ID tokens and userinfo; ``none`` is never among them."""
    signing = (
        client.id_token_signed_response_alg,
        client.userinfo_signed_response_alg,
        client.introspection_signed_response_alg,
        client.authorization_signed_response_alg,
    )
    for alg in signing:
        if alg is not None and alg not in possible.issuer.signing_algs:
            known = ", ".join(possible.issuer.signing_algs)
            raise InvalidClientMetadata(f"the issuer signs with {known}")
    encrypting = (
        (client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc),
        (client.userinfo_encrypted_response_alg, client.userinfo_encrypted_response_enc),
        (client.introspection_encrypted_response_alg, client.introspection_encrypted_response_enc),
        (client.authorization_encrypted_response_alg, client.authorization_encrypted_response_enc),
    )
    for alg, enc in encrypting:
        if alg is None and enc is not None:
            raise InvalidClientMetadata("an encryption enc needs an alg")
        if alg is not None and alg not in possible.encryption_algs:
            known = ", ".join(sorted(possible.encryption_algs))
            raise InvalidClientMetadata(f"keys are encrypted with {known}")
        if enc is not None and enc not in possible.encryption_encs:
            known = ", ".join(sorted(possible.encryption_encs))
            raise InvalidClientMetadata(f"tokens are encrypted with {known}")
        if alg is not None and client.jwks is None and client.jwks_uri is None:
            raise InvalidClientMetadata("encrypted answers need jwks or jwks_uri")


CHECKS: tuple[Callable[[Client, Possible], None], ...] = (
    tokens_are_bound_to_one_key,
    profile_is_met,
    grants_are_known,
    redirect_uris_are_safe,
    sector_is_clear,
    texts_are_plain,
    pages_are_https,
    authentication_is_possible,
    requests_are_possible,
    backchannel_is_possible,
    sso_group_is_possible,
    scope_is_known,
    resources_are_known,
    details_are_offered,
    answers_are_possible,
)


def check(client: Client, possible: Possible) -> None:
    """Raise InvalidRedirectUri or InvalidClientMetadata unless ``client`` may be registered."""
    for rule in CHECKS:
        rule(client, possible)


def check_https(uri: str) -> str:
    """Return the host of an https address, or raise InvalidClientMetadata."""
    try:
        host = redirect_uris.check(uri, "web")
    except InvalidRedirectUri as reason:
        raise InvalidClientMetadata(reason.description) from None
    return host
