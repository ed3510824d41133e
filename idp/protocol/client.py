"""A registered client: what a relying party told us when it registered (RFC 7591 §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.settings.localized import localized

MACHINE_GRANTS = frozenset(
    (
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "refresh_token",
    )
)
"""Grant types that ask no person anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Names follow RFC 7591 and OpenID Connect Dynamic Client Registration 1.0 §2.

    ``names`` and ``purposes`` map a BCP 47 tag ("" is the default) to text. ``secret_digest`` is
    SHA-256 of a random secret; ``sealed_secret`` is the secret itself, sealed, and kept only where
    it must be read again (client_secret_jwt). ``sector`` is the host that pairwise subjects are
    computed over (OpenID Connect Core 1.0 §8.1). ``audience`` names the client as a resource
    server: it may introspect the tokens that are meant for it; ``audience_scope`` are the words
    that it takes (none: all), ``audience_token_lifetime`` the seconds that its tokens live at most.
    ``resources`` are the resource servers that the client may name (RFC 8707). It exchanges tokens
    that were issued to ``exchange_subjects`` (client_ids), and stands in the result as who acts,
    unless it ``exchange_impersonates``; with its own tokens only ``may_act`` acts (RFC 8693). With
    ``number_match`` it shows a number that people type where they approve. ``sso_group`` names the
    apps of one maker that share logins; only the operator says so. ``self_described`` says that
    nobody registered it: what is known stands at the address that is its client_id, and people are
    asked each time. ``acts_for`` is the client_id of the relying party on whose behalf the signing
    service asks (``idp.protocol.signing_client``). ``profile`` is the name of what is demanded of
    it (``idp.protocol.profile``).
    """

    client_id: str
    issuer: str
    names: Mapping[str, str]
    redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: str
    sector: str
    profile: str = "fapi2"
    purposes: Mapping[str, str] = field(default_factory=dict)
    post_logout_redirect_uris: tuple[str, ...] = ()
    application_type: str = "web"
    token_endpoint_auth_signing_alg: str | None = None
    secret_digest: bytes | None = None
    sealed_secret: bytes | None = None
    jwks: bytes | None = None
    jwks_uri: str | None = None
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    response_modes: tuple[str, ...] = ("query", "form_post", "fragment")
    scope: frozenset[str] = frozenset({"openid"})
    subject_type: str = "pairwise"
    id_token_signed_response_alg: str = "ES256"
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    introspection_signed_response_alg: str | None = None
    introspection_encrypted_response_alg: str | None = None
    introspection_encrypted_response_enc: str | None = None
    require_pkce: bool = True
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str | None = None
    request_uris: tuple[str, ...] = ()
    authorization_signed_response_alg: str | None = None
    authorization_encrypted_response_alg: str | None = None
    authorization_encrypted_response_enc: str | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str | None = None
    tls_client_auth_san_dns: str | None = None
    tls_client_auth_san_uri: str | None = None
    tls_client_auth_san_ip: str | None = None
    tls_client_auth_san_email: str | None = None
    require_auth_time: bool = False
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    audience: str | None = None
    audience_scope: frozenset[str] = frozenset()
    audience_token_lifetime: int | None = None
    resources: tuple[str, ...] = ()
    access_token_lifetime: int | None = None
    exchange_subjects: tuple[str, ...] = ()
    exchange_impersonates: bool = False
    may_act: str | None = None
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str | None = None
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_user_code_parameter: bool = False
    number_match: bool = False
    authorization_details_types: tuple[str, ...] = ()
    first_party: bool = False
    sso_group: str = ""
    self_described: bool = False
    acts_for: str = ""
    created_at: int = 0

    @property
    def is_public(self) -> bool:
        """Return whether the client cannot keep a secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def is_machine(self) -> bool:
        """Return whether it never brings a person to a page of ours."""
        return not set(self.grant_types) - MACHINE_GRANTS

    @property
    def is_redirected(self) -> bool:
        """Return whether it is answered at redirect URIs: a device or a machine is not."""
        return bool(self.response_types)

    @property
    def is_sender_constrained(self) -> bool:
        """Return whether its access tokens are always bound to a key of its own."""
        return self.dpop_bound_access_tokens or self.tls_client_certificate_bound_access_tokens

    @property
    def party(self) -> str:
        """Return the client_id of the relying party: its own, unless it acts for another."""
        return self.acts_for or self.client_id

    def name(self, locales: tuple[str, ...]) -> str:
        """Return the client's name in the first of ``locales`` that it has, else its default."""
        return localized(self.names, locales) or self.client_id

    def purpose(self, locales: tuple[str, ...]) -> str:
        """Return why the client asks, in the person's language; "" when it did not say."""
        return localized(self.purposes, locales)
